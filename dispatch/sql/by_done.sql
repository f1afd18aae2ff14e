-- The rows of a table that lack one of the done bits in a mask, in order: one index probe for each value that `done`
-- has in the table and that lacks a bit, never a walk over the rows that are done. The lateral query is the one for one value.
WITH RECURSIVE value (done) AS (
  (SELECT r.done FROM tables_row r WHERE r.table_id = %s ORDER BY r.done LIMIT 1)
  UNION ALL
  SELECT (SELECT r.done FROM tables_row r WHERE r.table_id = %s AND r.done > value.done ORDER BY r.done LIMIT 1)
  FROM value
  WHERE value.done IS NOT NULL
)
SELECT found.*
FROM (SELECT done FROM value WHERE done IS NOT NULL AND (done & %s) <> %s) lacking
CROSS JOIN LATERAL ({rows}) AS found
ORDER BY found.position
LIMIT %s
