-- Cancel cells in flight at an order number: they become tombstones for every dispatch requested before it. The done
-- bits of their rows go, since a cancelled cell is not completed, whatever value it still shows.
WITH named AS (
  SELECT e.id, e.status
  FROM cells_execution e
  WHERE e.id = ANY(%(ids)s) AND e.status IN ('pending', 'queued', 'running', 'paused')
  ORDER BY e.id
  FOR NO KEY UPDATE
), cancelled AS (
  UPDATE cells_execution e
  SET status = 'cancelled', fence = e.fence + 1, sequence = %(sequence)s, error = NULL, finished_at = now()
  FROM named
  WHERE e.id = named.id
  RETURNING e.id, e.row_id, e.group_id, e.window_id, e.attempt, e.dispatch_id, e.started_at, named.status AS was
), recorded AS (
  INSERT INTO cells_attempt (execution_id, number, status, trace, dispatch_id, worker_name, started_at, finished_at)
  SELECT c.id, c.attempt, 'cancelled', coalesce(p.state -> 'trace', '[]'), c.dispatch_id, '', c.started_at, now()
  FROM cancelled c
  LEFT JOIN cells_pause p ON p.execution_id = c.id
  WHERE c.was IN ('running', 'paused') OR p.execution_id IS NOT NULL
), forgotten AS (
  DELETE FROM cells_pause p USING cancelled WHERE p.execution_id = cancelled.id
), withdrawn AS (
  UPDATE cells_approval a
  SET status = 'withdrawn', answered_at = now()
  FROM cancelled
  WHERE a.execution_id = cancelled.id AND a.status = 'open'
), bits AS (
  SELECT c.row_id, bit_or(1::bigint << g.bit) AS bits
  FROM cancelled c
  JOIN tables_group g ON g.id = c.group_id
  GROUP BY c.row_id
), rows_held AS (
  SELECT r.id, bits.bits
  FROM tables_row r
  JOIN bits ON bits.row_id = r.id
  WHERE r.done & bits.bits <> 0
  ORDER BY r.id
  FOR NO KEY UPDATE OF r
), cleared AS (
  UPDATE tables_row r
  SET done = r.done & ~rows_held.bits
  FROM rows_held
  WHERE r.id = rows_held.id
)
SELECT id, window_id FROM cancelled
