-- Share a table's lock until the transaction ends, or do without it when somebody holds it alone.
SELECT pg_try_advisory_xact_lock_shared(%(name)s::int, %(table)s::int) AS shared
