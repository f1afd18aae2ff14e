-- How the log stands. ARGV: what Redis calls this run of itself, or nothing. A server that was started anew may have
-- lost its newest writes: all that was read before is history then. Gives the last id and the origin.
local last = last_id()
if ARGV[1] and redis.call('GET', P .. 'server') ~= ARGV[1] then
  last = math.max(last + 1, now())
  redis.call('MSET', P .. 'server', ARGV[1], P .. 'origin', int(last), P .. 'last', int(last))
end
return { int(last), redis.call('GET', P .. 'origin') }
