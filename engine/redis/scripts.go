package redis

import (
	"strconv"

	"github.com/redis/rueidis"

	"warble"
)

// The scripts are all that writes timelines: Redis runs one at a time, so what a script reads still holds when it writes.
type scripts struct {
	push, read, begin, end, abort *rueidis.Lua // timelines
	take, renew                   *rueidis.Lua // marks
	keep, raise                   *rueidis.Lua // counts
	tally                         *rueidis.Lua // limits
}

func newScripts() *scripts {
	return &scripts{
		push:  rueidis.NewLuaScript(luaLists + luaPush),
		read:  rueidis.NewLuaScriptReadOnly(luaRead),
		begin: rueidis.NewLuaScript(luaBegin),
		end:   rueidis.NewLuaScript(luaLists + luaEnd),
		abort: rueidis.NewLuaScript(luaAbort),
		take:  rueidis.NewLuaScript(luaLists + luaTake),
		renew: rueidis.NewLuaScript(luaLists + luaRenew),
		keep:  rueidis.NewLuaScript(luaKeep),
		raise: rueidis.NewLuaScript(luaRaise),
		tally: rueidis.NewLuaScript(luaTally),
	}
}

// A header is 25 bytes: floor, stamp and generation of 8 bytes each, and 'R' or 'B'. In one that is ready to be read
// the stamp is when it was built, in unix milliseconds; in one being built it is the build's number. One whose
// generation is not its bucket's is not there.
const (
	headerBytes = 25
	ready       = 'R'
)

// luaLists is what the scripts that change lists share. Eight bytes, highest first, are compared as a floating-point
// number, whose order is that of the bits: a Lua number cannot hold them as an integer, and Redis compares strings by
// the locale it was started in.
var luaLists = `
local call, sub, unpack8 = redis.call, string.sub, struct.unpack
local ZERO = string.rep('\0', 8)
local function less(a, b) return unpack8('>d', a) < unpack8('>d', b) end

-- Puts an entry that is not newer than the list's first where it belongs.
local function late(key, e)
  if less(e, sub(call('LINDEX', key, -1), 1, 8)) then return 0 end
  local from, n = 0, 16
  while true do
    for _, at in ipairs(call('LRANGE', key, from, from + n - 1)) do
      if at == e then return 0 end
      if #at ~= 8 or less(at, e) then return call('LINSERT', key, 'BEFORE', at, e) end
    end
    from, n = from + n, n * 4
  end
end

-- Adds an entry to the list if there is one; returns the list's length where it grew, header included.
local function put(key, e)
  local first = call('LINDEX', key, 0)
  if not first then return 0 end
  if #first == 8 and less(first, e) or #first ~= 8 and not less(e, sub(first, 1, 8)) then
    return call('LPUSH', key, e)
  end
  return late(key, e)
end

local function trim(key, length)
  if length <= ` + strconv.Itoa(warble.TimelineTrim+1) + ` then return end
  local header = call('LINDEX', key, -1)
  call('LTRIM', key, 0, ` + strconv.Itoa(warble.TimelineKeep-1) + `)
  call('RPUSH', key, call('LINDEX', key, -1) .. sub(header, 9))
end
`

// luaPush carries pairs of many pushes to one bucket. KEYS: the bucket's marks, then the timeline of each pair.
// ARGV: the entries, where zero drops the timeline; and for each push how many pairs are its own, its partition + 1 (zero:
// not numbered), epoch, mark expected and mark reached. It answers for each push: nothing; 'F', refused for a higher epoch; or 'B' and the mark that
// stands, where that is lower than expected.
const luaPush = `
local entries, pushes, pair, answers = ARGV[1], ARGV[2], 0, {}
local function before(a, b)
  if sub(a, 1, 8) ~= sub(b, 1, 8) then return less(a, b) end
  return less(sub(a, 9), sub(b, 9))
end
for at = 1, #pushes, 48 do
  local count, part, epoch, from, to = unpack8('>I4I4c8c16c16', pushes, at)
  local answer, stands, mark = '', false, false
  if part > 0 then
    stands = call('HGET', KEYS[1], part) or string.rep('\0', 24)
    mark = sub(stands, 9)
    if less(epoch, stands) then answer = 'F'
    elseif before(mark, from) then answer = 'B' .. mark
    elseif before(mark, to) then mark = to end
  end
  if answer == '' then
    for i = pair + 1, pair + count do
      local key, e = KEYS[i + 1], sub(entries, i * 8 - 7, i * 8)
      if e == ZERO then call('DEL', key) else trim(key, put(key, e)) end
    end
    if part > 0 and stands ~= epoch .. mark then call('HSET', KEYS[1], part, epoch .. mark) end
  end
  pair = pair + count
  answers[#answers + 1] = answer
end
return answers
`

// luaRead answers the header and the entries from the newest to that at ARGV[1], one after the other, or nothing.
// KEYS: the timeline, the bucket's marks.
const luaRead = `
local header = redis.call('LINDEX', KEYS[1], -1)
if not header or string.sub(header, 25) ~= 'R' then return false end
if string.sub(header, 17, 24) ~= (redis.call('HGET', KEYS[2], 'generation') or string.rep('\0', 8)) then return false end
return header .. table.concat(redis.call('LRANGE', KEYS[1], 0, ARGV[1]))
`

// luaBegin marks a timeline as being built under the number ARGV[1], for ARGV[2] ms. Where another's build is under
// way it answers that one's number instead, unless it is ARGV[3], which has taken too long. Where ARGV[4] is set and the
// timeline is ready it answers 'ready'. KEYS: the timeline, the bucket's marks.
const luaBegin = `
local generation = redis.call('HGET', KEYS[2], 'generation') or string.rep('\0', 8)
local header = redis.call('LINDEX', KEYS[1], -1)
if header and string.sub(header, 17, 24) == generation then
  local number = string.sub(header, 9, 16)
  if string.sub(header, 25) == 'R' then
    if ARGV[4] ~= '' then return 'ready' end
  elseif number ~= ARGV[3] and number ~= ARGV[1] then return number end
end
redis.call('DEL', KEYS[1])
redis.call('RPUSH', KEYS[1], string.rep('\0', 8) .. ARGV[1] .. generation .. 'B')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return ''
`

// luaEnd merges the entries ARGV[5], newest first, with what was pushed meanwhile, where the build ARGV[1] still stands;
// else it answers 0. ARGV[2] is the floor, ARGV[3] the stamp, ARGV[4] the TTL in ms.
// KEYS: the timeline, the bucket's marks.
const luaEnd = `
local key, floor, entries = KEYS[1], ARGV[2], ARGV[5]
local generation = call('HGET', KEYS[2], 'generation') or ZERO
local header = call('LINDEX', key, -1)
if not header or sub(header, 9) ~= ARGV[1] .. generation .. 'B' then return 0 end
if less(floor, header) then floor = sub(header, 1, 8) end
local pushed, list = call('LRANGE', key, 0, -2), {}
for at = 1, #entries, 8 do
  local e = sub(entries, at, at + 7)
  if not less(e, floor) then list[#list + 1] = e end
end
list[#list + 1] = floor .. ARGV[3] .. generation .. 'R'
call('DEL', key)
call('RPUSH', key, unpack(list))
for i = #pushed, 1, -1 do put(key, pushed[i]) end
trim(key, call('LLEN', key))
call('PEXPIRE', key, ARGV[4])
return 1
`

// luaAbort forgets a timeline where the build ARGV[1] still stands.
const luaAbort = `
local header = redis.call('LINDEX', KEYS[1], -1)
if header and string.sub(header, 9, 16) == ARGV[1] and string.sub(header, 25) == 'B' then redis.call('DEL', KEYS[1]) end
return 0
`

// luaTake makes ARGV[2] the epoch of partition ARGV[1] and answers the mark that stands, or 'F' for a higher epoch.
// KEYS: the bucket's marks.
const luaTake = `
local stands = call('HGET', KEYS[1], ARGV[1]) or string.rep('\0', 24)
if less(ARGV[2], stands) then return 'F' end
if sub(stands, 1, 8) ~= ARGV[2] then call('HSET', KEYS[1], ARGV[1], ARGV[2] .. sub(stands, 9)) end
return sub(stands, 9)
`

// luaRenew gives a bucket the generation ARGV[4], so that no timeline of it is there any more, and partition ARGV[1]
// of epoch ARGV[2] the mark ARGV[3]; or answers 'F' for a higher epoch. KEYS: the bucket's marks.
const luaRenew = `
local stands = call('HGET', KEYS[1], ARGV[1])
if stands and less(ARGV[2], stands) then return 'F' end
call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ARGV[3], 'generation', ARGV[4])
return ARGV[3]
`

// luaKeep caches the fields and numbers ARGV[3], ARGV[4], … for ARGV[2] ms, where nothing was put since the generation
// ARGV[1] (empty: none) was read.
const luaKeep = `
if (redis.call('HGET', KEYS[1], 'generation') or '') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
`

// luaRaise forgets what is cached and leaves the generation ARGV[1] in its place for ARGV[2] ms.
const luaRaise = `
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'generation', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 0
`

// luaTally answers a count and adds ARGV[1] to it, unless that would pass ARGV[2]; below zero it forgets it. A count
// that begins ends after ARGV[3] ms.
const luaTally = `
local n, used = tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[1]) or '0')
if n < 0 then redis.call('DEL', KEYS[1])
elseif n > 0 and used + n <= tonumber(ARGV[2]) then
  if used == 0 then redis.call('SET', KEYS[1], n, 'PX', ARGV[3]) else redis.call('INCRBY', KEYS[1], n) end
end
return used
`
