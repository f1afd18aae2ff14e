-- How the log stands. ARGV: what Redis calls this run of itself, and up to where the caller has read it; or nothing. A
-- server that was started anew may have lost its newest writes, and one that knows less than was read from it has: all
-- that was read before is history then. Gives the last id and the origin.
local last = last_id()
local read = tonumber(ARGV[2]) or 0
local server = redis.call('GET', P .. 'server')
-- Without a server the log is new: its origin, which last_id has made, says all.
if read > last or (ARGV[1] and server and server ~= ARGV[1]) then
  last = math.max(last + 1, read + 1, now())
  redis.call('MSET', P .. 'origin', int(last), P .. 'last', int(last))
end
if ARGV[1] and server ~= ARGV[1] then
  redis.call('SET', P .. 'server', ARGV[1])
end
return { int(last), redis.call('GET', P .. 'origin') }
