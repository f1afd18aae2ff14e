-- Put queued cells back: queued → pending, for whoever draws their row next. Only under the fence that claimed them.
UPDATE cells_execution e
SET status = 'pending', fence = e.fence + 1, worker_id = NULL
FROM unnest(%(ids)s::bigint[], %(fences)s::bigint[]) AS turn (id, fence)
WHERE e.id = turn.id AND e.fence = turn.fence AND e.status = 'queued'
RETURNING e.id
