-- Add to the counts of some windows what a transaction did to their cells, the windows in the order of their ids.
WITH change AS (
  SELECT *
  FROM unnest(
    %(windows)s::bigint[], %(cells)s::int[], %(completed)s::int[], %(error)s::int[], %(cancelled)s::int[],
    %(skipped)s::int[]
  ) AS t (id, cells, completed, error, cancelled, skipped)
), held AS (
  SELECT w.id FROM dispatch_window w JOIN change ON change.id = w.id ORDER BY w.id FOR NO KEY UPDATE OF w
)
UPDATE dispatch_window w
SET cells = w.cells + change.cells,
    completed = w.completed + change.completed,
    error = w.error + change.error,
    cancelled = w.cancelled + change.cancelled,
    skipped = w.skipped + change.skipped
FROM change
JOIN held ON held.id = change.id
WHERE w.id = change.id
