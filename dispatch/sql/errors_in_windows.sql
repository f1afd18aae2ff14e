-- The messages of the cells of some windows that failed in a dispatch, each with its count, the most frequent first.
-- They are told apart by their hashes, since one may be very long.
WITH looked AS (
  SELECT e.id, e.group_id, e.dispatch_id, e.failed, e.error
  FROM cells_execution e
  WHERE e.window_id = ANY(%(windows)s)
  LIMIT %(cells)s
), counted AS (
  SELECT min(id) AS id, count(*) AS cells, (sum(count(*)) OVER ())::bigint AS seen
  FROM looked
  WHERE dispatch_id = %(dispatch)s AND failed
  GROUP BY group_id, md5(error)
  ORDER BY cells DESC, id
  LIMIT %(groups)s
)
SELECT e.group_id, e.error AS message, counted.cells, counted.seen
FROM counted
JOIN cells_execution e ON e.id = counted.id
ORDER BY counted.cells DESC, e.group_id, message
