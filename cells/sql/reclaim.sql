-- Take back the claims of lost workers: to be drawn again while the budget of losses lasts, else an error that says so.
WITH lost AS (
  SELECT e.id, e.status AS was, e.status = 'running' AND e.losses + 1 >= %(budget)s AS spent
  FROM cells_execution e
  WHERE e.window_id = ANY(%(windows)s) AND e.worker_id = ANY(%(workers)s) AND e.status IN ('queued', 'running')
  ORDER BY e.id
  FOR NO KEY UPDATE
), taken AS (
  UPDATE cells_execution e
  SET status = CASE WHEN lost.spent THEN 'error' ELSE 'pending' END,
      error = CASE WHEN lost.spent THEN %(message)s END,
      finished_at = CASE WHEN lost.spent THEN now() END,
      fence = e.fence + 1,
      losses = e.losses + (lost.was = 'running')::int,
      worker_id = NULL
  FROM lost
  WHERE e.id = lost.id
  RETURNING e.id, e.row_id, e.group_id, e.window_id, e.attempt, e.dispatch_id, e.started_at, e.status, lost.was
), recorded AS (
  INSERT INTO cells_attempt (execution_id, number, status, error, trace, dispatch_id, worker_name, started_at, finished_at)
  SELECT id, attempt, 'error', 'The worker that ran this cell was lost.', '[]', dispatch_id, '', started_at, now()
  FROM taken
  WHERE was = 'running'
), forgotten AS (
  DELETE FROM cells_pause p USING taken t WHERE p.execution_id = t.id AND t.status = 'error'
), cleared AS (
  UPDATE tables_row r
  SET done = r.done & ~(1::bigint << g.bit)
  FROM taken t
  JOIN tables_group g ON g.id = t.group_id
  WHERE r.id = t.row_id AND t.status = 'error'
)
SELECT id, window_id, status FROM taken
