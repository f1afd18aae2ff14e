-- Flush the tables that are due, a hundred at most. Gives the µs until the next one is; -1: none is.
for _, of in ipairs(redis.call('ZRANGEBYSCORE', P .. 'due', '-inf', int(now()), 'LIMIT', 0, 100)) do
  settle(of)
end
local next = redis.call('ZRANGE', P .. 'due', 0, 0, 'WITHSCORES')
return next[2] and math.max(0, tonumber(next[2]) - now()) or -1
