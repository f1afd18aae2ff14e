-- What the scripts share: ids, the dirt of a table, and how that becomes events of the log. It is put before each,
-- behind P, with which every key begins, and MOST_ROWS, how many an event names.
local GAP = 250000         -- µs between two flushes of a table
local MOST_HINTS = 5       -- of one flush: as many as there are kinds
local TABLE_KEEPS = 1000   -- flushes kept for each table
local ALL_KEEPS = 10000    -- and of all together

local function int(number)
  return string.format('%.0f', number)
end

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- The id that was given last. A counter that was lost begins anew at the clock, above every id that it gave before.
local function last_id()
  local last = redis.call('GET', P .. 'last')
  if last then
    return tonumber(last)
  end
  local newest = redis.call('XREVRANGE', P .. 'all', '+', '-', 'COUNT', 1)[1]
  local from = math.max(now(), newest and tonumber(string.match(newest[1], '%d+')) or 0)
  redis.call('MSET', P .. 'last', int(from), P .. 'origin', int(from))
  return from
end

local function append(stream, keeps, id, body)
  if redis.call('XLEN', stream) >= keeps then
    local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1][1]
    redis.call('SET', stream .. ':floor', string.match(first, '%d+'))
    redis.call('XTRIM', stream, 'MAXLEN', keeps - 1)
  end
  redis.call('XADD', stream, int(id) .. '-0', 'origin', redis.call('GET', P .. 'origin'), 'events', body)
end

local function list(ids)
  return '[' .. table.concat(ids, ',') .. ']'
end

-- The names of a set and what was noted of it beside: '"many"' where they were too many.
local function ids_of(dirty, kind)
  if redis.call('HGET', dirty .. 'flags', kind) then
    return '"many"'
  end
  local found = redis.call('SMEMBERS', dirty .. kind)
  if #found > 0 then
    table.sort(found, function(one, other) return tonumber(one) < tonumber(other) end)
    return list(found)
  end
end

local function object(hash, quote)
  local parts = {}
  for place = 1, #hash, 2 do
    parts[#parts + 1] = '"' .. hash[place] .. '":' .. quote .. hash[place + 1] .. quote
  end
  return '{' .. table.concat(parts, ',') .. '}'
end

-- What is dirty as the insides of JSON objects, in the order in which it is told. Transitions come last: who hears
-- that a run is complete has heard of its cells, but for those that another process is about to tell of.
local function told(dirty)
  local events = {}
  local function tell(kind, more)
    events[#events + 1] = '"type":"' .. kind .. '"' .. more
  end
  if redis.call('HGET', dirty .. 'flags', 'schema') then
    tell('schema.changed', '')
  end
  local imports = redis.call('HGETALL', dirty .. 'imports')
  for place = 1, #imports, 2 do
    tell('import.changed', ',"import":' .. imports[place] .. ',"status":"' .. imports[place + 1] .. '"')
  end
  local rows = ids_of(dirty, 'rows')
  if rows then
    tell('rows.changed', ',"rows":' .. rows)
  end
  local cells = ids_of(dirty, 'cells')
  local dispatches = redis.call('SMEMBERS', dirty .. 'dispatches')
  if cells or #dispatches > 0 then
    local one = #dispatches == 1 and ',"dispatch":' .. dispatches[1] or ''
    local counts = object(redis.call('HGETALL', dirty .. 'counts'), '')
    local more = ',"counts":' .. counts .. ',"dispatches":' .. list(dispatches) .. one
    tell('cells.changed', ',"rows":' .. (cells or '[]') .. more)
  end
  local approvals = ids_of(dirty, 'approvals')
  if approvals then
    tell('approvals.changed', ',"rows":' .. approvals)
  end
  for _, transition in ipairs(redis.call('LRANGE', dirty .. 'transitions', 0, -1)) do
    events[#events + 1] = string.sub(transition, 2, -2)
  end
  return events
end

local KINDS = { 'rows', 'cells', 'counts', 'dispatches', 'approvals', 'imports', 'transitions', 'flags' }

local function clean(dirty)
  for _, kind in ipairs(KINDS) do
    redis.call('DEL', dirty .. kind)
  end
end

-- Append what is dirty of a table to its log and to that of all, as one entry of events with ids of their own.
local function emit(of)
  local dirty = P .. 'dirty:' .. of .. ':'
  local events = told(dirty)
  clean(dirty)
  if #events == 0 then
    return
  end
  local time = now()
  redis.call('HSETNX', P .. 'revs', of, int(math.floor(time / GAP)))
  local rev = redis.call('HINCRBY', P .. 'revs', of, 1)
  local id = math.max(last_id() + 1, time)
  for place, event in ipairs(events) do
    local head = '{"id":' .. int(id + place - 1) .. ',"table":' .. (of == '0' and 'null' or of)
    events[place] = head .. ',"rev":' .. int(rev) .. ',' .. event .. '}'
  end
  id = id + #events - 1
  redis.call('SET', P .. 'last', int(id))
  local body = '[' .. table.concat(events, ',') .. ']'
  append(P .. 'table:' .. of, TABLE_KEEPS, id, body)
  append(P .. 'all', ALL_KEEPS, id, body)
end

-- How many hints a flush would be for pages: of each kind it is one (tableflow/live/events.py).
local function hints_of(of)
  local dirty = P .. 'dirty:' .. of .. ':'
  local function any(kinds)
    for _, kind in ipairs(kinds) do
      if redis.call('EXISTS', dirty .. kind) == 1 or redis.call('HEXISTS', dirty .. 'flags', kind) == 1 then
        return 1
      end
    end
    return 0
  end
  return any({ 'rows', 'cells', 'dispatches' }) + any({ 'schema' }) + any({ 'imports' }) + any({ 'approvals' })
    + any({ 'transitions' })
end

-- Flush a table now, or note when it may be. Gives how long that is, in µs: 0 when it was flushed. Flushes are as many
-- GAPs apart as the greater of the two is hints: so a page never gets more than five within a second.
local function settle(of)
  local time = now()
  local hints = math.max(hints_of(of), 1)
  local at, before = string.match(redis.call('HGET', P .. 'flushed', of) or '0:1', '(%d+):(%d+)')
  local gap = GAP * math.max(hints, tonumber(before))
  local left = tonumber(at) + gap - time
  if left > 0 and left <= gap then
    redis.call('ZADD', P .. 'due', int(time + left), of)
    return left
  end
  redis.call('ZREM', P .. 'due', of)
  redis.call('HSET', P .. 'flushed', of, int(time) .. ':' .. int(hints))
  emit(of)
  return 0
end
