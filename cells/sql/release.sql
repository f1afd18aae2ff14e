-- Hand claims back: claimed → pending, for whoever draws next. The fence rises, so the one who held them writes nothing.
-- Gives where they are.
UPDATE cells_execution e
SET status = 'pending', fence = e.fence + 1, worker_id = NULL
WHERE e.window_id = ANY(%(windows)s)
  AND e.worker_id = %(worker)s
  AND e.status IN ('queued', 'running')
  AND e.id <> ALL(%(keep)s::bigint[])
  AND e.started_at <= now() - %(older)s::interval
RETURNING e.row_id, e.dispatch_id, (SELECT g.table_id FROM tables_group g WHERE g.id = e.group_id) AS table_id
