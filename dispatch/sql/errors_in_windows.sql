-- The messages of the cells of some windows that failed, each with its count, the most frequent first. They are told
-- apart by their hashes, since one may be very long.
WITH counted AS (
  SELECT min(e.id) AS id, count(*) AS cells, (sum(count(*)) OVER ())::bigint AS seen
  FROM cells_execution e
  WHERE e.window_id = ANY(%(windows)s) AND e.dispatch_id = %(dispatch)s AND e.failed
  GROUP BY e.group_id, md5(e.error)
  ORDER BY cells DESC, id
  LIMIT %(groups)s
)
SELECT e.group_id, e.error AS message, counted.cells, counted.seen, true AS is_all
FROM counted
JOIN cells_execution e ON e.id = counted.id
ORDER BY counted.cells DESC, e.group_id, message
