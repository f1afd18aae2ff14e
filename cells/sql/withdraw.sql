-- Take back the stamps of queued cells whose dependencies are no longer met when their turn comes: a cell that was
-- attempted before returns to what its last attempt left, one that never was has no execution again.
WITH turn AS (
  SELECT * FROM unnest(%(ids)s::bigint[], %(fences)s::bigint[]) AS t (id, fence)
), gone AS (
  DELETE FROM cells_execution e
  USING turn
  WHERE e.id = turn.id AND e.fence = turn.fence AND e.status = 'queued' AND e.attempt = 0
  RETURNING e.window_id
), restored AS (
  UPDATE cells_execution e
  SET status = last.status, fence = e.fence + 1, worker_id = NULL
  FROM turn
  JOIN LATERAL (
    SELECT a.status FROM cells_attempt a WHERE a.execution_id = turn.id ORDER BY a.number DESC LIMIT 1
  ) last ON true
  WHERE e.id = turn.id AND e.fence = turn.fence AND e.status = 'queued' AND e.attempt > 0
  RETURNING e.window_id
)
SELECT window_id FROM gone UNION ALL SELECT window_id FROM restored
