-- Take back the stamps of queued cells whose dependencies are no longer met when their turn comes, or that must wait for
-- another: a cell with an attempt that ended returns to what that one left, one without has no execution again. The
-- number goes back below the request's, which may come to the cell again.
WITH turn AS (
  SELECT t.id, t.fence, last.*
  FROM unnest(%(ids)s::bigint[], %(fences)s::bigint[]) AS t (id, fence)
  LEFT JOIN LATERAL (
    SELECT a.status, a.error, a.workflow_version, a.started_at, a.finished_at
    FROM cells_attempt a
    WHERE a.execution_id = t.id
    ORDER BY a.number DESC, a.id DESC
    LIMIT 1
  ) last ON true
), gone AS (
  DELETE FROM cells_execution e
  USING turn
  WHERE e.id = turn.id AND e.fence = turn.fence AND e.status = 'queued' AND turn.status IS NULL
  RETURNING e.window_id
), restored AS (
  UPDATE cells_execution e
  SET status = turn.status, error = turn.error, workflow_version = turn.workflow_version,
      started_at = turn.started_at, finished_at = turn.finished_at, fence = e.fence + 1, worker_id = NULL,
      sequence = e.sequence - 1
  FROM turn
  WHERE e.id = turn.id AND e.fence = turn.fence AND e.status = 'queued' AND turn.status IS NOT NULL
  RETURNING e.window_id
)
SELECT window_id FROM gone UNION ALL SELECT window_id FROM restored
