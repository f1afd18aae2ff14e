-- The cells of a dispatch that took longest, or take longest until now, among the first executions of some windows.
-- What was cancelled tells no time of its own: it may never have begun.
SELECT row_id, group_id, status, started_at,
       extract(epoch FROM coalesce(finished_at, statement_timestamp()) - started_at)::float8 AS seconds
FROM (
  SELECT e.row_id, e.group_id, e.dispatch_id, e.status, e.started_at,
         CASE WHEN e.status <> 'running' THEN e.finished_at END AS finished_at
  FROM cells_execution e
  WHERE e.window_id = ANY(%(windows)s)
  LIMIT %(cells)s
) looked
WHERE dispatch_id = %(dispatch)s
  AND status IN ('running', 'completed', 'error', 'skipped')
  AND started_at IS NOT NULL
ORDER BY seconds DESC, row_id, group_id
LIMIT %(most)s
