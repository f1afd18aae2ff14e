-- The rows of a table whose values in some columns are one of the wanted lists of values, locked, in the visible
-- order. The braces hold the values, one `r.data -> key` a column.
SELECT r.id
FROM tables_row AS r
WHERE r.table_id = %s
  AND jsonb_build_array({values}) IN (SELECT w.value FROM unnest(%s::jsonb[]) AS w(value))
ORDER BY r.position
FOR NO KEY UPDATE OF r
