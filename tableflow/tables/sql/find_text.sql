-- The rows in which a text occurs, with their places in what is shown and the keys of the columns where it is. The braces
-- hold SELECTs: the ids of the first rows in which it occurs, and id and place of all that are shown.
WITH hit AS MATERIALIZED (
    {hits}
), shown AS (
    {shown}
)
SELECT
    shown.id,
    shown.place,
    ARRAY(
        SELECT v.key FROM jsonb_each_text(r.data) AS v
        WHERE v.key = ANY(%s::text[]) AND UPPER(v.value) LIKE UPPER(%s)
    )
FROM hit
JOIN shown ON shown.id = hit.id
JOIN tables_row AS r ON r.id = hit.id
ORDER BY shown.place
