-- The rows of a table whose values in some columns are one of the wanted lists of values, in the visible order.
SELECT r.id
FROM tables_row AS r
WHERE r.table_id = %(table)s
  AND (SELECT jsonb_agg(COALESCE(r.data -> k.key, 'null') ORDER BY k.place)
       FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS k(key, place))
      IN (SELECT w.value FROM unnest(%(wanted)s::jsonb[]) AS w(value))
ORDER BY r.position
FOR NO KEY UPDATE OF r
