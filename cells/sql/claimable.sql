-- The next stamped cells of some windows, in the rows' order, whose row nobody works on. They and their rows stay
-- locked until the transaction ends: whoever claims in a row holds that row (law 13), and who finds it held passes by.
SELECT e.row_id, e.group_id, e.id
FROM cells_execution e
JOIN tables_row r ON r.id = e.row_id
WHERE e.window_id = ANY(%(windows)s)
  AND e.status = 'pending'
  AND NOT EXISTS (
    SELECT FROM cells_execution other
    WHERE other.row_id = e.row_id
      AND other.group_id IN (SELECT g.id FROM tables_group g WHERE g.table_id = r.table_id)
      AND other.status IN ('queued', 'running')
  )
ORDER BY e.position, e.id
LIMIT %(most)s
FOR NO KEY UPDATE OF e, r SKIP LOCKED
