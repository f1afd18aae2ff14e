-- Start the queued cells whose turn has come: queued → running, under the fence that claimed them.
UPDATE cells_execution e
SET status = 'running', attempt = e.attempt + 1, started_at = now()
FROM unnest(%(ids)s::bigint[], %(fences)s::bigint[]) AS turn (id, fence)
WHERE e.id = turn.id AND e.fence = turn.fence AND e.status = 'queued'
RETURNING e.id, e.row_id, e.group_id, e.fence, e.attempt, e.window_id, e.started_at
