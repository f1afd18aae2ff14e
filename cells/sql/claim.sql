-- Claim the stamped cells of locked rows: the leads start running, the others of their rows queue behind them. A lead
-- that was paused goes on: its attempt and what it used stay as they are.
-- The second look at the siblings is the one that counts: it is taken after the rows were locked.
WITH standing AS (
  SELECT p.execution_id, p.kind, p.state, p.result, p.version_id
  FROM cells_pause p
  WHERE p.execution_id = ANY(%(cells)s)
), claimed AS (
  UPDATE cells_execution e
  SET status = CASE WHEN e.id = ANY(%(leads)s) THEN 'running' ELSE 'queued' END,
      attempt = e.attempt + (e.id = ANY(%(leads)s) AND e.id NOT IN (SELECT execution_id FROM standing))::int,
      used = CASE
        WHEN e.id = ANY(%(leads)s) AND e.id NOT IN (SELECT execution_id FROM standing) THEN {used}
        ELSE e.used
      END,
      fence = e.fence + 1,
      worker_id = %(worker)s,
      started_at = now(),
      finished_at = NULL
  WHERE e.window_id = ANY(%(windows)s)
    AND e.row_id = ANY(%(rows)s)
    AND e.status = 'pending'
    AND NOT EXISTS (
      SELECT FROM cells_execution other
      WHERE other.row_id = e.row_id
        AND other.group_id IN (SELECT g.id FROM tables_group g WHERE g.table_id = %(table)s)
        AND other.status IN ('queued', 'running')
    )
  RETURNING e.id, e.row_id, e.group_id, e.fence, e.attempt, e.status, e.window_id, e.started_at
)
SELECT c.*, r.data, standing.kind, standing.state, standing.result, standing.version_id
FROM claimed c
JOIN tables_row r ON r.id = c.row_id
LEFT JOIN standing ON standing.execution_id = c.id
