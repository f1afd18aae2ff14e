-- Deletes the rows that a query names and takes them off the table's count. The braces hold a SELECT of row ids.
WITH doomed(id) AS MATERIALIZED (
    {doomed}
), gone AS (
    DELETE FROM tables_row AS r USING doomed WHERE r.id = doomed.id RETURNING 1
), counted AS (
    SELECT count(*) AS n FROM gone
)
UPDATE tables_table SET row_count = row_count - counted.n, updated_at = now()
FROM counted
WHERE tables_table.id = %s
RETURNING counted.n
