-- The messages of the first failed cells of some groups, each with how many failed with it in a dispatch (it may be
-- none), the most frequent first; and whether these were all failed cells of the groups.
WITH looked AS (
  SELECT e.group_id, e.dispatch_id, e.error
  FROM unnest(%(planned)s::bigint[]) AS planned (id)
  CROSS JOIN LATERAL (
    SELECT x.group_id, x.dispatch_id, x.error
    FROM cells_execution x
    WHERE x.group_id = planned.id AND x.failed
    ORDER BY x.position
    LIMIT %(most)s
  ) e
), counted AS (
  SELECT group_id, error AS message, count(*) FILTER (WHERE dispatch_id = %(dispatch)s) AS cells
  FROM looked
  GROUP BY group_id, error
)
SELECT group_id, message, cells, (sum(cells) OVER ())::bigint AS seen,
       NOT EXISTS (SELECT FROM looked GROUP BY group_id HAVING count(*) >= %(most)s) AS is_all
FROM counted
ORDER BY cells DESC, group_id, message
LIMIT %(groups)s
