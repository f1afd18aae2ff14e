-- What each of these dispatches has running, what it could claim now (rows, not cells), and the seconds since its last
-- claim, which its newest windows tell. It can claim what is stamped, as far as the draws at work for it have slots.
SELECT d.id,
       COALESCE(cells.running, 0) AS running,
       CASE WHEN d.status = 'dispatching' THEN
         LEAST(COALESCE(cells.stamped, 0), GREATEST(0, COALESCE(drawing.slots, 0) - COALESCE(cells.running, 0)))
       ELSE 0 END AS wanted,
       (SELECT extract(epoch FROM clock_timestamp() - max(e.started_at))::float
        FROM cells_execution e
        WHERE e.window_id IN (SELECT w.id FROM dispatch_window w WHERE w.dispatch_id = d.id ORDER BY w.id DESC LIMIT 8)
       ) AS waited
FROM dispatch_dispatch d
LEFT JOIN LATERAL (
  SELECT count(DISTINCT e.row_id) FILTER (WHERE e.status = 'running') AS running,
         count(DISTINCT e.row_id) FILTER (WHERE e.status = 'pending') AS stamped
  FROM dispatch_window w
  JOIN cells_execution e ON e.window_id = w.id
  WHERE w.dispatch_id = d.id
    AND w.closed_at IS NULL
    AND NOT w.lobby
    AND e.status IN ('running', 'pending')
) cells ON true
LEFT JOIN LATERAL (
  SELECT sum(l.slots * (l.started - l.ended)) AS slots
  FROM dispatch_lane l
  WHERE l.dispatch_id = d.id
    AND l.retired_at IS NULL
    AND l.started > l.ended
    AND l.lease_until > statement_timestamp()
) drawing ON true
WHERE d.id = ANY(%(dispatches)s)
ORDER BY d.id
