-- Have cells that are under way begin anew, since something that they read was changed: back to pending at a higher
-- fence. What they were paused with is forgotten; the paused ones move to a window that is drawn from. Gives the
-- window that each was in, and what it was.
WITH held AS (
  SELECT e.id, e.status, e.window_id
  FROM cells_execution e
  WHERE e.id = ANY(%(ids)s)
    AND (
      e.status IN ('queued', 'running', 'paused')
      OR e.status = 'pending' AND EXISTS (SELECT FROM cells_pause p WHERE p.execution_id = e.id)
    )
  ORDER BY e.id
  FOR NO KEY UPDATE
), recalled AS (
  UPDATE cells_execution e
  SET status = 'pending',
      fence = e.fence + 1,
      worker_id = NULL,
      window_id = CASE WHEN held.status = 'paused' THEN %(window)s ELSE e.window_id END
  FROM held
  WHERE e.id = held.id
  RETURNING e.id, e.row_id, e.attempt, e.dispatch_id, e.started_at, held.status AS was, held.window_id
), recorded AS (
  INSERT INTO cells_attempt (execution_id, number, status, error, trace, dispatch_id, worker_name, started_at, finished_at)
  SELECT recalled.id, recalled.attempt, 'cancelled', %(message)s, coalesce(p.state -> 'trace', '[]'),
         recalled.dispatch_id, '', recalled.started_at, now()
  FROM recalled
  LEFT JOIN cells_pause p ON p.execution_id = recalled.id
  WHERE recalled.was <> 'queued'
), forgotten AS (
  DELETE FROM cells_pause p USING recalled WHERE p.execution_id = recalled.id
), withdrawn AS (
  UPDATE cells_approval a
  SET status = 'withdrawn', answered_at = now()
  FROM recalled
  WHERE a.execution_id = recalled.id AND a.status = 'open'
)
SELECT id, row_id, window_id, was FROM recalled
