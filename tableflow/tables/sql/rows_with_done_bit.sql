-- A row of a table that has a done bit, if there is one.
SELECT id FROM tables_row
WHERE table_id = %(table)s AND done & %(mask)s::bigint <> 0
LIMIT 1
