-- Forget what is older than an id. ARGV: the id, and the streams to prune. Gives how many entries went.
local before = tonumber(ARGV[1])
local gone = 0
for place = 2, #ARGV do
  gone = gone + redis.call('XTRIM', ARGV[place], 'MINID', int(before))
  if redis.call('XLEN', ARGV[place]) == 0 then
    redis.call('DEL', ARGV[place], ARGV[place] .. ':floor')
  end
end
if before > (tonumber(redis.call('GET', P .. 'pruned')) or 0) then
  redis.call('SET', P .. 'pruned', int(before))
end
return gone
