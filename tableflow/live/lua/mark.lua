-- Put dirt to that of a table, and flush the table if it may be. ARGV: the table's id, the dirt but for its transitions,
-- and each transition. Gives the µs until the table may be flushed; 0: it was.
local of = ARGV[1]
local dirty = P .. 'dirty:' .. of .. ':'
local dirt = cjson.decode(ARGV[2])

local function name(kind)
  local ids = dirt[kind]
  if ids == 'many' then
    redis.call('HSET', dirty .. 'flags', kind, 1)
  elseif ids then
    for _, id in ipairs(ids) do
      redis.call('SADD', dirty .. kind, int(id))
    end
    if redis.call('SCARD', dirty .. kind) > MOST_ROWS then
      redis.call('HSET', dirty .. 'flags', kind, 1)
    end
  end
  if redis.call('HGET', dirty .. 'flags', kind) then
    redis.call('DEL', dirty .. kind)
  end
end

name('rows')
name('cells')
name('approvals')
for status, number in pairs(dirt.counts or {}) do
  redis.call('HINCRBY', dirty .. 'counts', status, number)
end
for _, id in ipairs(dirt.dispatches or {}) do
  redis.call('SADD', dirty .. 'dispatches', int(id))
end
for import, status in pairs(dirt.imports or {}) do
  redis.call('HSET', dirty .. 'imports', import, status)
end
if dirt.schema then
  redis.call('HSET', dirty .. 'flags', 'schema', 1)
end
for place = 3, #ARGV do
  redis.call('RPUSH', dirty .. 'transitions', ARGV[place])
end
return settle(of)
