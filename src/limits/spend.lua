-- Spends of every limit of a key, or of none when one of them refuses.
--
-- KEYS: a counter for each limit.
-- ARGV: the cost, then for each limit how many requests, the nanoseconds until one comes back, and the nanoseconds
-- until the allowance is whole again as far as the asking node knows.
--
-- A counter is "at backlog interval": at that microsecond of this server's clock, so many nanoseconds were left until
-- the allowance is whole, under a limit of that interval. All of them are below 2^53, so that they are exact. It is the
-- arithmetic of gcra.rs.
--
-- Answers with the backlog of each limit before the cost; the node derives the rest.

-- A node knows of more than is stored here only if this server was away, or has forgotten. What it knows ages while its
-- question is under way (which is never longer than this), and that must not add up to spending nobody has done.
local DOUBT = 50000000

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost = tonumber(ARGV[1])
local admitted = true
local counters, backlogs = {}, {}

for i, key in ipairs(KEYS) do
  local requests, interval, known = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local backlog, is_new = 0, false
  local at, left, before = string.match(redis.call('GET', key) or '', '^(%d+) (%d+) (%d+)$')
  if at then
    at, left, before = tonumber(at), tonumber(left), tonumber(before)
    is_new = at > now -- the clock was put back: from here on, count from now
    backlog = math.max(0, left - math.max(0, now - at) * 1000)
    if before ~= interval then
      backlog = math.floor(backlog * interval / before)
    end
    backlog = math.min(backlog, requests * interval)
  end
  if known > backlog + DOUBT then
    backlog, is_new = known, true
  end
  if cost > requests or backlog + cost * interval > requests * interval then
    admitted = false
  end
  backlogs[i] = backlog
  counters[i] = { key = key, interval = interval, is_new = is_new }
end

for i, counter in ipairs(counters) do
  local backlog = backlogs[i]
  if admitted then
    backlog = backlog + cost * counter.interval
  end
  if admitted or counter.is_new then
    local value = string.format('%.0f %.0f %.0f', now, backlog, counter.interval)
    redis.call('SET', counter.key, value, 'PX', math.ceil(backlog / 1000000) + 1)
  end
end

return backlogs
