-- Merges a patch into each of many rows; keys that a patch does not name stay as they are.
UPDATE tables_row AS r
SET data = r.data || p.patch, updated_at = now()
FROM unnest(%(ids)s::bigint[], %(patches)s::jsonb[]) AS p(id, patch)
WHERE r.id = p.id
RETURNING r.id, r.updated_at
