-- Pause running cells, each under its fence: where they stand is kept, a question is asked where there is one, and
-- their place moves to the lobby. Gives the cells that were won, with the row's values where a cascade may go on.
WITH pausing AS (
  SELECT *
  FROM unnest(
    %(ids)s::bigint[], %(fences)s::bigint[], %(kinds)s::text[], %(dues)s::timestamptz[], %(states)s::jsonb[],
    %(versions)s::bigint[], %(questions)s::jsonb[]
  ) AS t (id, fence, kind, due_at, state, version_id, question)
), held AS (
  SELECT e.id, e.window_id
  FROM cells_execution e
  JOIN pausing ON pausing.id = e.id AND pausing.fence = e.fence
  WHERE e.status = 'running'
  ORDER BY e.id
  FOR NO KEY UPDATE OF e
), won AS (
  UPDATE cells_execution e
  SET status = 'paused', window_id = %(lobby)s, worker_id = NULL
  FROM held
  WHERE e.id = held.id
  RETURNING e.id, e.row_id, e.group_id, e.dispatch_id, held.window_id
), kept AS (
  INSERT INTO cells_pause (execution_id, table_id, kind, due_at, state, result, version_id, paused_at)
  SELECT won.id, %(table)s, pausing.kind, pausing.due_at, pausing.state, NULL, pausing.version_id, now()
  FROM won
  JOIN pausing ON pausing.id = won.id
  ON CONFLICT (execution_id) DO UPDATE
  SET kind = excluded.kind, due_at = excluded.due_at, state = excluded.state, result = NULL,
      version_id = excluded.version_id, paused_at = excluded.paused_at
), asked AS (
  INSERT INTO cells_approval
    (execution_id, table_id, row_id, group_id, dispatch_id, step, prompt, fields, assignees, on_expiry, status, asked_at, due_at)
  SELECT won.id, %(table)s, won.row_id, won.group_id, won.dispatch_id, pausing.state ->> 'step',
         pausing.question ->> 'prompt', nullif(pausing.question -> 'fields', 'null'), pausing.question -> 'assignees',
         pausing.question ->> 'on_expiry', 'open', now(), pausing.due_at
  FROM won
  JOIN pausing ON pausing.id = won.id
  WHERE pausing.question IS NOT NULL
)
SELECT won.id, won.row_id, won.window_id,
       CASE WHEN %(cascade)s THEN (SELECT r.data FROM tables_row r WHERE r.id = won.row_id) END AS data
FROM won
