-- Claim the stamped cells of locked rows: the leads start running, the others of their rows queue behind them.
-- The second look at the siblings is the one that counts: it is taken after the rows were locked.
WITH claimed AS (
  UPDATE cells_execution e
  SET status = CASE WHEN e.id = ANY(%(leads)s) THEN 'running' ELSE 'queued' END,
      attempt = e.attempt + (e.id = ANY(%(leads)s))::int,
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
SELECT c.*, r.data
FROM claimed c
JOIN tables_row r ON r.id = c.row_id
