-- Merges a patch into each of many rows, given as one object by row id; keys that a patch does not name stay as they are.
UPDATE tables_row AS r
SET data = r.data || p.patch, updated_at = now()
FROM jsonb_each(%(patches)s::jsonb) AS p(id, patch)
WHERE r.id = p.id::bigint
RETURNING r.id, r.updated_at
