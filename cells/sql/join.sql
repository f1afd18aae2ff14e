-- Stamp and claim in one step the cells that a cascade reaches and that no window stamped: their dependencies were met
-- by the group before them. A cell in flight, or last touched by this request or a later one, is left alone.
INSERT INTO cells_execution
  (row_id, group_id, position, status, fence, dispatch_id, window_id, sequence, attempt, losses, worker_id, started_at, used)
SELECT e.row_id, e.group_id, e.position, 'running', 1, e.dispatch_id, e.window_id, %(sequence)s, 1, 0, %(worker)s, now(), {used}
FROM (
  SELECT ended.row_id, ended.position, ended.dispatch_id, joining.group_id, joining.window_id
  FROM unnest(%(after)s::bigint[], %(groups)s::bigint[], %(windows)s::bigint[]) AS joining (execution_id, group_id, window_id)
  JOIN cells_execution ended ON ended.id = joining.execution_id
) e
ON CONFLICT (group_id, row_id) DO UPDATE
SET status = 'running',
    fence = cells_execution.fence + 1,
    attempt = cells_execution.attempt + 1,
    dispatch_id = excluded.dispatch_id,
    window_id = excluded.window_id,
    sequence = excluded.sequence,
    losses = 0,
    worker_id = excluded.worker_id,
    started_at = excluded.started_at,
    finished_at = NULL,
    used = excluded.used
WHERE cells_execution.status IN ('completed', 'error', 'cancelled', 'skipped')
  AND cells_execution.sequence < excluded.sequence
RETURNING id, row_id, group_id, fence, attempt, window_id, started_at, NULL AS kind, NULL AS state, NULL AS result, NULL AS version_id
