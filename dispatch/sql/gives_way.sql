-- Whether a lane's draws make room for links that wait for a thread; no row while their own turn is young. A run that has
-- fewer draws at work than another gets of its threads until both have as many; one that has none gets one in any case.
-- Those with most at work give way first, and among their like those that have drawn longest: as many as are needed.
WITH drawing AS (
  SELECT l.id, l.dispatch_id, l.entered_at,
         row_number() OVER (PARTITION BY l.dispatch_id ORDER BY l.entered_at, l.id) AS place
  FROM dispatch_lane l
  JOIN dispatch_dispatch d ON d.id = l.dispatch_id
  WHERE l.retired_at IS NULL
    AND l.started > l.ended
    AND l.lease_until > statement_timestamp()
    AND NOT d.is_express
), ranked AS (
  SELECT drawing.*, row_number() OVER (ORDER BY place DESC, entered_at, id) AS turn
  FROM drawing
), waiting AS (
  SELECT count(*) AS links, (SELECT count(*) FROM drawing WHERE drawing.dispatch_id = d.id) AS at_work
  FROM dispatch_lane l
  JOIN dispatch_dispatch d ON d.id = l.dispatch_id
  WHERE l.retired_at IS NULL
    AND l.started = 0
    AND d.status = 'dispatching'
    AND (
      l.rings > 0
      OR (NOT d.is_express AND l.lease_until - %(lease)s::interval < statement_timestamp() - %(patience)s::interval)
    )
  GROUP BY d.id
)
SELECT ranked.turn <= COALESCE(
         (SELECT sum(least(links, greatest(ranked.place - 1 - at_work, (at_work = 0)::int))) FROM waiting), 0
       ) AS gives_way
FROM ranked
WHERE ranked.id = %(lane)s
  AND ranked.entered_at < statement_timestamp() - %(turn)s::interval
