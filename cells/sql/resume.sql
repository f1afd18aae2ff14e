-- Let paused cells go on: paused → pending in a window that is drawn from. Their pauses keep where they stand, and are
-- due no more. Gives the window that each leaves.
WITH held AS (
  SELECT e.id, e.window_id
  FROM cells_execution e
  WHERE e.id = ANY(%(ids)s) AND e.status = 'paused'
  ORDER BY e.id
  FOR NO KEY UPDATE
), resumed AS (
  UPDATE cells_execution e
  SET status = 'pending', window_id = %(window)s
  FROM held
  WHERE e.id = held.id
  RETURNING e.id, held.window_id
), due AS (
  UPDATE cells_pause p
  SET due_at = NULL
  FROM resumed
  WHERE p.execution_id = resumed.id
)
SELECT id, window_id FROM resumed
