-- Removes one key from the data of some rows of a table. Materialized, because a locking subquery may run twice.
WITH picked AS MATERIALIZED (
    SELECT id FROM tables_row
    WHERE table_id = %(table)s AND jsonb_exists(data, %(key)s::text)
    LIMIT %(batch)s
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE tables_row AS r SET data = data - %(key)s::text FROM picked WHERE r.id = picked.id
