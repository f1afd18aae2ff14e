-- Clears one done bit of some rows of a table.
UPDATE tables_row
SET done = done & ~%(mask)s::bigint
WHERE id IN (
    SELECT id FROM tables_row
    WHERE table_id = %(table)s AND done & %(mask)s::bigint <> 0
    LIMIT %(batch)s
    FOR NO KEY UPDATE SKIP LOCKED
)
