-- Take all changes of a table out of the outbox: they become runs in the same transaction, or stay.
DELETE FROM dispatch_change WHERE table_id = %(table)s RETURNING id, groups, rows, ranges
