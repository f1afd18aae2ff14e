-- Flush the tables that are due, a hundred at most, and those that are due so late that the clock was set back since.
-- Gives the µs until the next one is; -1: none is.
local function settle_between(least, most)
  for _, of in ipairs(redis.call('ZRANGEBYSCORE', P .. 'due', least, most, 'LIMIT', 0, 100)) do
    settle(of)
  end
end

settle_between('-inf', int(now()))
settle_between('(' .. int(now() + MOST_HINTS * GAP), '+inf')
local next = redis.call('ZRANGE', P .. 'due', 0, 0, 'WITHSCORES')
return next[2] and math.max(0, tonumber(next[2]) - now()) or -1
