-- Removes one key from the data of some rows of a table.
UPDATE tables_row
SET data = data - %(key)s::text
WHERE id IN (
    SELECT id FROM tables_row
    WHERE table_id = %(table)s AND jsonb_exists(data, %(key)s::text)
    LIMIT %(batch)s
    FOR NO KEY UPDATE SKIP LOCKED
)
