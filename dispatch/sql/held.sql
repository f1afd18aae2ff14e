-- Whether a dispatch goes on, whether under caps, and its windows that have cells left, oldest first: what a draw asks in each transaction.
SELECT d.status = 'dispatching' AS going_on,
       d.caps <> '{}' AS capped,
       ARRAY(
         SELECT w.id
         FROM dispatch_window w
         WHERE w.dispatch_id = d.id
           AND w.closed_at IS NULL
           AND NOT w.lobby
           AND w.completed + w.error + w.cancelled + w.skipped < w.cells
         ORDER BY w.id
       ) AS windows
FROM dispatch_dispatch d
WHERE d.id = %(dispatch)s
