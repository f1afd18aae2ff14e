-- Deletes some rows of a table.
DELETE FROM tables_row
WHERE id IN (
    SELECT id FROM tables_row
    WHERE table_id = %(table)s
    LIMIT %(batch)s
    FOR UPDATE SKIP LOCKED
)
