-- Start the queued cells whose turn has come: queued → running, under the fence that claimed them. One that was paused
-- before goes on where it stood.
WITH standing AS (
  SELECT p.execution_id, p.kind, p.state, p.result, p.version_id
  FROM cells_pause p
  WHERE p.execution_id = ANY(%(ids)s)
), started AS (
  UPDATE cells_execution e
  SET status = 'running',
      attempt = e.attempt + (e.id NOT IN (SELECT execution_id FROM standing))::int,
      used = CASE WHEN e.id IN (SELECT execution_id FROM standing) THEN e.used ELSE {used} END,
      started_at = now()
  FROM unnest(%(ids)s::bigint[], %(fences)s::bigint[]) AS turn (id, fence)
  WHERE e.id = turn.id AND e.fence = turn.fence AND e.status = 'queued'
  RETURNING e.id, e.row_id, e.group_id, e.fence, e.attempt, e.window_id, e.started_at
)
SELECT started.*, standing.kind, standing.state, standing.result, standing.version_id
FROM started
LEFT JOIN standing ON standing.execution_id = started.id
