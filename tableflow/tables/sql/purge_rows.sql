-- Deletes some rows of a table. Materialized, because a locking subquery may run twice.
WITH picked AS MATERIALIZED (
    SELECT id FROM tables_row
    WHERE table_id = %(table)s
    LIMIT %(batch)s
    FOR UPDATE SKIP LOCKED
)
DELETE FROM tables_row AS r USING picked WHERE r.id = picked.id
