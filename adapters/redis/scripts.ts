/**
 * The changes and reads of the Redis engine, each one Lua script on one key, so that Redis carries it
 * out as a whole and a cluster can run it where the key is.
 *
 * A record is a hash: `v` its JSON, `n` its version, `e` its expiry, `w` the token of its last writer.
 * A log is a list: first its expiry, then one element for each entry. The first element of each append
 * begins with `!`, the writer's token and a space, so that a writer whose answer was lost finds its own
 * entries again; JSON never begins with `!`.
 */
import { createHash } from 'node:crypto'

export interface Script {
  readonly text: string
  readonly sha: string
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** Returns `{json, version, expiry}`, or nothing where there is no live record. */
export const GET = script(`
local found = redis.call('HMGET', KEYS[1], 'v', 'n', 'e')
if not found[2] or tonumber(found[3]) <= tonumber(ARGV[1]) then return false end
return found
`)

/**
 * Arguments: now, json, expiry, the token, the first version of a new record, the channel, the version
 * to replace ('' for any). Returns `{1, version}`, or `{0, version, token}` when the condition fails.
 */
export const PUT = script(`
local found = redis.call('HMGET', KEYS[1], 'n', 'e', 'w')
local live = found[1] and tonumber(found[2]) > tonumber(ARGV[1])
if ARGV[7] ~= '' then
  local current = live and found[1] or '0'
  if current ~= ARGV[7] then return {0, current, live and found[3] or ''} end
end
if not found[1] then redis.call('HSET', KEYS[1], 'n', ARGV[5]) end
local version = redis.call('HINCRBY', KEYS[1], 'n', 1)
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'e', ARGV[3], 'w', ARGV[4])
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[6], '')
return {1, redis.call('HGET', KEYS[1], 'n'), ARGV[4]}
`)

/** Arguments: now, the channel. Returns 1 when a live record was deleted. */
export const DELETE = script(`
local expiry = redis.call('HGET', KEYS[1], 'e')
if not expiry then return 0 end
redis.call('DEL', KEYS[1])
if tonumber(expiry) <= tonumber(ARGV[1]) then return 0 end
redis.call('PUBLISH', ARGV[2], '')
return 1
`)

/**
 * Arguments: now, the last entry that the caller knows, expiry, the token, the channel, then the
 * entries. Returns the new last sequence number, or -1 when the log has newer entries.
 */
export const APPEND = script(`
local after = tonumber(ARGV[2])
local expiry = redis.call('LINDEX', KEYS[1], 0)
local last = 0
if expiry and tonumber(expiry) <= tonumber(ARGV[1]) then
  redis.call('DEL', KEYS[1])
  expiry = false
end
if expiry then last = redis.call('LLEN', KEYS[1]) - 1 end
if last ~= after then
  local mine = '!' .. ARGV[4] .. ' '
  local found = last > after and redis.call('LINDEX', KEYS[1], after + 1)
  if found and string.sub(found, 1, #mine) == mine then return after + #ARGV - 5 end
  return -1
end
if #ARGV == 5 then return last end
local latest = ARGV[3]
if expiry and tonumber(expiry) > tonumber(latest) then latest = expiry end
if not expiry then
  redis.call('RPUSH', KEYS[1], latest)
else
  redis.call('LSET', KEYS[1], 0, latest)
end
redis.call('RPUSH', KEYS[1], '!' .. ARGV[4] .. ' ' .. ARGV[6])
for i = 7, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
redis.call('PEXPIREAT', KEYS[1], latest)
redis.call('PUBLISH', ARGV[5], '')
return after + #ARGV - 5
`)

/** Arguments: now, the first and the last sequence number to read (-1 for the end). Returns the elements. */
export const READ = script(`
local expiry = redis.call('LINDEX', KEYS[1], 0)
if not expiry or tonumber(expiry) <= tonumber(ARGV[1]) then return {} end
return redis.call('LRANGE', KEYS[1], ARGV[2], ARGV[3])
`)

/** Arguments: now. Returns the version of a live record or the last number of a live log, else 0. */
export const POSITION = script(`
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'hash' then
  local found = redis.call('HMGET', KEYS[1], 'n', 'e')
  return tonumber(found[2]) > tonumber(ARGV[1]) and found[1] or '0'
end
if kind == 'list' then
  local expiry = redis.call('LINDEX', KEYS[1], 0)
  return tonumber(expiry) > tonumber(ARGV[1]) and tostring(redis.call('LLEN', KEYS[1]) - 1) or '0'
end
return '0'
`)
