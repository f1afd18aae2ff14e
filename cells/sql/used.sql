(
  -- The hash of what the cell `e` (row_id, group_id) uses: cells/usage.py takes the same one from the page's side.
  SELECT md5(
           use.token || coalesce(
             (
               SELECT string_agg(coalesce(r.data -> k.key, 'null')::text, ',' ORDER BY k.place)
               FROM jsonb_array_elements_text(use.keys) WITH ORDINALITY AS k (key, place)
             ),
             ''
           )
         )::uuid
  FROM unnest(%(use_groups)s::bigint[], %(use_tokens)s::text[], %(use_keys)s::jsonb[]) AS use (group_id, token, keys)
  JOIN tables_row r ON r.id = e.row_id
  WHERE use.group_id = e.group_id
)
