-- Which of the claims a process holds are no longer its own.
SELECT held.id
FROM unnest(%(ids)s::bigint[], %(fences)s::bigint[]) AS held (id, fence)
LEFT JOIN cells_execution e ON e.id = held.id AND e.fence = held.fence AND e.status = 'running'
WHERE e.id IS NULL
