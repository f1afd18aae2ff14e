-- End running cells: status, attempt, trace, the row's values and its done bit in one statement, each only where the
-- fence presented is still the cell's. Gives the cells that were won, with the row's values where a cascade may go on,
-- and whether a value changed where somebody outside the run may read it. Of a cell's attempts the newest are kept.
WITH ended AS (
  SELECT *
  FROM unnest(
    %(ids)s::bigint[], %(fences)s::bigint[], %(statuses)s::text[], %(errors)s::text[], %(outputs)s::jsonb[],
    %(bits)s::bigint[], %(traces)s::jsonb[], %(versions)s::int[]
  ) AS t (id, fence, status, error, output, bit, trace, version)
), held AS (
  SELECT e.id
  FROM cells_execution e
  JOIN ended ON ended.id = e.id AND ended.fence = e.fence
  WHERE e.status = 'running'
  ORDER BY e.id
  FOR NO KEY UPDATE OF e
), won AS (
  UPDATE cells_execution e
  SET status = ended.status, error = ended.error, workflow_version = ended.version, finished_at = now()
  FROM ended
  JOIN held ON held.id = ended.id
  WHERE e.id = ended.id AND e.fence = ended.fence AND e.status = 'running'
  RETURNING e.id, e.fence, e.row_id, e.window_id, e.attempt, e.started_at, e.dispatch_id, e.status
), recorded AS (
  INSERT INTO cells_attempt
    (execution_id, number, status, error, trace, workflow_version, dispatch_id, worker_name, started_at, finished_at)
  SELECT won.id, won.attempt, won.status, ended.error, ended.trace, ended.version, won.dispatch_id, %(worker)s,
         won.started_at, now()
  FROM won
  JOIN ended ON ended.id = won.id AND ended.fence = won.fence
), outlived AS (
  DELETE FROM cells_attempt a
  USING won
  WHERE won.attempt > %(kept)s AND a.execution_id = won.id AND a.number <= won.attempt - %(kept)s
), resumed AS (
  DELETE FROM cells_pause p USING won WHERE p.execution_id = won.id
), rows_held AS (
  SELECT r.id, %(feeding)s AND (r.data || ended.output) IS DISTINCT FROM r.data AS changed
  FROM tables_row r
  JOIN won ON won.row_id = r.id
  JOIN ended ON ended.id = won.id AND ended.fence = won.fence
  ORDER BY r.id
  FOR NO KEY UPDATE OF r
), written AS (
  UPDATE tables_row r
  SET data = r.data || ended.output,
      done = CASE WHEN won.status = 'completed' THEN r.done | ended.bit ELSE r.done & ~ended.bit END,
      updated_at = now()
  FROM won
  JOIN ended ON ended.id = won.id AND ended.fence = won.fence
  JOIN rows_held ON rows_held.id = won.row_id
  WHERE r.id = won.row_id
    AND (won.status = 'completed' OR r.done & ended.bit <> 0 OR ended.output <> '{}'::jsonb)
  RETURNING r.id, rows_held.changed, CASE WHEN %(cascade)s THEN r.data END AS data
)
SELECT won.id, won.row_id, won.window_id, won.status, coalesce(written.changed, false) AS changed,
       CASE
         WHEN %(cascade)s THEN coalesce(written.data, (SELECT r.data FROM tables_row r WHERE r.id = won.row_id))
       END AS data
FROM won
LEFT JOIN written ON written.id = won.row_id
