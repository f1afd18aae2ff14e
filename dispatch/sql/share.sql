-- Share a table's lock until the transaction ends.
SELECT pg_advisory_xact_lock_shared(%(name)s::int, %(table)s::int)
