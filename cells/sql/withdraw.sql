-- Take back the stamps of queued cells whose dependencies are no longer met when their turn comes, or that must wait for
-- another: a cell with an attempt that ended returns to what that one left, one without has no execution again. The
-- number goes back below the request's, which may come to the cell again. What was claimed and handed back since that
-- attempt has hashed newer values than it used: then it counts as outdated. A cell that is not completed is not done.
WITH turn AS (
  SELECT t.id, t.fence, last.*
  FROM unnest(%(ids)s::bigint[], %(fences)s::bigint[]) AS t (id, fence)
  LEFT JOIN LATERAL (
    SELECT a.number, a.status, a.error, a.workflow_version, a.started_at, a.finished_at
    FROM cells_attempt a
    WHERE a.execution_id = t.id
    ORDER BY a.number DESC, a.id DESC
    LIMIT 1
  ) last ON true
), gone AS (
  DELETE FROM cells_execution e
  USING turn
  WHERE e.id = turn.id AND e.fence = turn.fence AND e.status = 'queued' AND turn.status IS NULL
  RETURNING e.window_id
), restored AS (
  UPDATE cells_execution e
  SET status = turn.status, error = turn.error, workflow_version = turn.workflow_version,
      started_at = turn.started_at, finished_at = turn.finished_at, fence = e.fence + 1, worker_id = NULL,
      sequence = e.sequence - 1, used = CASE WHEN e.attempt = turn.number THEN e.used END
  FROM turn
  WHERE e.id = turn.id AND e.fence = turn.fence AND e.status = 'queued' AND turn.status IS NOT NULL
  RETURNING e.window_id, e.row_id, e.group_id, e.status
), bits AS (
  SELECT restored.row_id, bit_or(1::bigint << g.bit) AS bits
  FROM restored
  JOIN tables_group g ON g.id = restored.group_id
  WHERE restored.status <> 'completed'
  GROUP BY restored.row_id
), rows_held AS (
  SELECT r.id, bits.bits
  FROM tables_row r
  JOIN bits ON bits.row_id = r.id
  WHERE r.done & bits.bits <> 0
  ORDER BY r.id
  FOR NO KEY UPDATE OF r
), cleared AS (
  UPDATE tables_row r
  SET done = r.done & ~rows_held.bits
  FROM rows_held
  WHERE r.id = rows_held.id
)
SELECT window_id FROM gone UNION ALL SELECT window_id FROM restored
