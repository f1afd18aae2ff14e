-- Bar cells that are not in flight from every request before this number, in rows where a cascade may still reach them.
-- A cell that never ran shows as cancelled; one that has a result keeps it.
INSERT INTO cells_execution (row_id, group_id, position, status, fence, sequence, attempt, losses, finished_at)
SELECT DISTINCT e.row_id, named.group_id, e.position, 'cancelled', 1, %(sequence)s::bigint, 0, 0, now()
FROM cells_execution e
CROSS JOIN unnest(%(groups)s::bigint[]) AS named (group_id)
WHERE e.id = ANY(%(ids)s)
ON CONFLICT (group_id, row_id) DO UPDATE
SET sequence = greatest(cells_execution.sequence, excluded.sequence)
WHERE cells_execution.status IN ('completed', 'error', 'cancelled', 'skipped')
