-- The messages of the first failed cells of some groups, each with how many failed with it in a dispatch (it may be
-- none), the most frequent first; and whether these were all failed cells of the groups. See errors_in_windows.
WITH looked AS (
  SELECT e.id, e.group_id, e.dispatch_id, md5(e.error) AS hash
  FROM unnest(%(planned)s::bigint[]) AS planned (id)
  CROSS JOIN LATERAL (
    SELECT x.id, x.group_id, x.dispatch_id, x.error
    FROM cells_execution x
    WHERE x.group_id = planned.id AND x.failed
    ORDER BY x.position
    LIMIT %(most)s
  ) e
), grouped AS (
  SELECT min(id) AS id, count(*) FILTER (WHERE dispatch_id = %(dispatch)s) AS cells
  FROM looked
  GROUP BY group_id, hash
), counted AS (
  SELECT id, cells, (sum(cells) OVER ())::bigint AS seen
  FROM grouped
  ORDER BY cells DESC, id
  LIMIT %(groups)s
)
SELECT e.group_id, e.error AS message, counted.cells, counted.seen,
       NOT EXISTS (SELECT FROM looked GROUP BY group_id HAVING count(*) >= %(most)s) AS is_all
FROM counted
JOIN cells_execution e ON e.id = counted.id
ORDER BY counted.cells DESC, e.group_id, message
