-- The messages of the cells of some windows that failed, each with its count, the most frequent first.
SELECT e.group_id, e.error AS message, count(*) AS cells, (sum(count(*)) OVER ())::bigint AS seen, true AS is_all
FROM cells_execution e
WHERE e.window_id = ANY(%(windows)s) AND e.dispatch_id = %(dispatch)s AND e.failed
GROUP BY e.group_id, e.error
ORDER BY cells DESC, e.group_id, e.error
LIMIT %(groups)s
