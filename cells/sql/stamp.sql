-- Stamp cells of one group pending for a window. A cell in flight, or last touched by this request or a later one, is left alone.
INSERT INTO cells_execution (row_id, group_id, position, status, fence, dispatch_id, window_id, sequence, attempt, losses)
SELECT stamped.row_id, %(group)s, stamped.position, 'pending', 1, %(dispatch)s, %(window)s, %(sequence)s, 0, 0
FROM unnest(%(rows)s::bigint[], %(positions)s::numeric[]) AS stamped (row_id, position)
ON CONFLICT (group_id, row_id) DO UPDATE
SET status = 'pending',
    fence = cells_execution.fence + 1,
    dispatch_id = excluded.dispatch_id,
    window_id = excluded.window_id,
    sequence = excluded.sequence,
    losses = 0,
    worker_id = NULL
WHERE cells_execution.status IN ('completed', 'error', 'cancelled', 'skipped')
  AND cells_execution.sequence < excluded.sequence
RETURNING id
