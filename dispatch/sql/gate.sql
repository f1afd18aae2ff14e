-- Hold the gate of a group until the transaction ends.
SELECT pg_advisory_xact_lock(%(name)s::int, %(group)s::int)
