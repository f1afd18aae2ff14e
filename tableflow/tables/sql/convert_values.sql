-- Sets one key of the data of each of many rows.
UPDATE tables_row AS r
SET data = r.data || jsonb_build_object(%(key)s::text, c.value), updated_at = now()
FROM unnest(%(ids)s::bigint[], %(values)s::jsonb[]) AS c(id, value)
WHERE r.id = c.id
