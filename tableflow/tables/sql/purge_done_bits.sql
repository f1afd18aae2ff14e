-- Clears one done bit of some rows of a table. Materialized, because a locking subquery may run twice.
WITH picked AS MATERIALIZED (
    SELECT id FROM tables_row
    WHERE table_id = %(table)s AND done & %(mask)s::bigint <> 0
    LIMIT %(batch)s
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE tables_row AS r SET done = r.done & ~%(mask)s::bigint FROM picked WHERE r.id = picked.id
