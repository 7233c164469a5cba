import type { Key } from '../commands/arguments';
import { Command, type Arg } from '../commands/command';
import { LuaScript } from '../commands/lua-script';
import type { Frame } from '../resp/frames';
import { entryOf, type Entry, type QueueKeys } from './queue-keys';

// Each move of a job is one script, so that it is in one place at any time. Each may run twice: what has been moved is not found again.
// Times are those of the server. A new job is put in at the left of a list, and the right end is taken from.

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** What a job is made of: its id, how often it was tried, its payload; see `entryOf`. */
const JOBS = `
local function id(job) return string.match(job, '^[^:]*') end
local function parts(job)
  local tries, payload = string.match(job, '^[^:]*:(%d+):()')
  return id(job), tonumber(tries or 0), string.sub(job, payload or 1)
end`;

/** So many delayed jobs become due in one call, so that no call takes long. */
const MOST_DUE = 1_000;
/** So many workers whose lease is over are told in one call. */
const MOST_DEAD = 100;

const tendScript = new LuaScript(`${NOW}${JOBS}
local workers, delayed, waiting, own = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local me, lease, limit, held = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZADD', workers, now + lease, me)
local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, ${MOST_DUE})
for _, job in ipairs(due) do
  redis.call('LPUSH', waiting, job)
  redis.call('ZREM', delayed, job)
end
local count, jobs, lost = redis.call('LLEN', own), {}, {}
if count ~= held then
  local known, there = {}, {}
  for i = 5, #ARGV do known[ARGV[i]] = true end
  for _, job in ipairs(redis.call('LRANGE', own, 0, -1)) do
    local name = id(job)
    there[name] = true
    if not known[name] then table.insert(jobs, 1, job) end
  end
  for i = 5, 4 + held do
    if not there[ARGV[i]] then table.insert(lost, ARGV[i]) end
  end
end
for _ = count + 1, limit do
  local job = redis.call('RPOPLPUSH', waiting, own)
  if not job then break end
  table.insert(jobs, job)
end
local nearest = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
local dead = redis.call('ZRANGEBYSCORE', workers, '-inf', '(' .. string.format('%.0f', now), 'LIMIT', 0, ${MOST_DEAD})
return { jobs, lost, dead, nearest and math.max(0, nearest - now) or -1 }`);

/** What a worker is told when it has renewed its lease. */
export interface Tended {
  /** jobs that it has and does not know of: it took them now, or an answer that brought them was lost */
  readonly jobs: readonly Entry[];
  /** ids of jobs that it held and has no longer: its lease was over, and they were taken back */
  readonly lost: readonly string[];
  /** workers whose lease is over */
  readonly dead: readonly string[];
  /** when the next delayed job is due, ms from now; undefined where there is none */
  readonly nextDue: number | undefined;
}

/** What a worker has. */
export interface Tending {
  readonly worker: string;
  /** ms */
  readonly lease: number;
  /** takes jobs until it has so many */
  readonly limit: number;
  /** the jobs that it works on */
  readonly held: readonly string[];
  /** those that it has done, where that is not answered yet */
  readonly settling: readonly string[];
}

/** Renews the lease of a worker, makes delayed jobs wait that are due, takes jobs, and tells which workers are dead. */
export function tend(keys: QueueKeys, { worker, lease, limit, held, settling }: Tending): Command<Tended> {
  const own = keys.ownedBy(worker);
  const args = [worker, lease, limit, held.length, ...held.map(inBytes), ...settling.map(inBytes)];
  return call(tendScript, [keys.workers, keys.delayed, keys.waiting, own], args, (frame) => {
    const [jobs, lost, dead, nextDue] = frame as [Buffer[], Buffer[], Buffer[], number];
    return {
      jobs: jobs.map(entryOf),
      lost: lost.map((id) => id.toString('latin1')),
      dead: dead.map(String),
      nextDue: nextDue < 0 ? undefined : nextDue,
    };
  });
}

const takeBackScript = new LuaScript(`${NOW}${JOBS}
local workers, waiting, dead, own = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local worker, lease, attempts, keeps = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local ends = redis.call('ZSCORE', workers, worker)
if not ends or tonumber(ends) >= now then return { 0, 0 } end
local jobs = redis.call('LRANGE', own, 0, -1)
if #jobs == 0 then
  redis.call('ZREM', workers, worker)
  return { 0, 0 }
end
local ended = 0
for _, job in ipairs(jobs) do
  local name, tries, payload = parts(job)
  local again = name .. ':' .. tries + 1 .. ':' .. payload
  if attempts > 0 and tries + 1 >= attempts then
    ended = ended + 1
    if keeps == '1' then redis.call('LPUSH', dead, again) end
  else
    redis.call('RPUSH', waiting, again)
  end
end
redis.call('DEL', own)
redis.call('ZADD', workers, now + lease, worker)
return { #jobs - ended, ended }`);

/** How many jobs of a dead worker wait again, and how many have had their last attempt. */
export interface TakenBack {
  readonly waiting: number;
  readonly dead: number;
}

/**
 * Takes back the jobs of a worker whose lease is over; nothing where it is not. The worker stays known for another lease: a command of it
 * that still waits at the server may bring it one more job.
 */
export function takeBack(
  keys: QueueKeys,
  worker: string,
  { lease, attempts, deadLetter }: { lease: number; attempts: number; deadLetter: boolean },
): Command<TakenBack> {
  const most = attempts === Infinity ? 0 : attempts;
  const at = [keys.workers, keys.waiting, keys.dead, keys.ownedBy(worker)];
  return call(takeBackScript, at, [worker, lease, most, deadLetter ? 1 : 0], (frame) => {
    const [waiting, dead] = frame as [number, number];
    return { waiting, dead };
  });
}

const leaveScript = new LuaScript(`${NOW}${JOBS}
local workers, waiting, own = KEYS[1], KEYS[2], KEYS[3]
local worker, lease, held = ARGV[1], tonumber(ARGV[2]), {}
for i = 3, #ARGV do held[ARGV[i]] = true end
local back = 0
for _, job in ipairs(redis.call('LRANGE', own, 0, -1)) do
  if not held[id(job)] then
    redis.call('LREM', own, 1, job)
    redis.call('RPUSH', waiting, job)
    back = back + 1
  end
end
if lease > 0 then
  redis.call('ZADD', workers, now + lease, worker)
else
  redis.call('ZREM', workers, worker)
end
return back`);

/**
 * Gives back the jobs of a worker, but for those that it still works on. They have not been tried.
 * @param lease how long the worker stays known, ms; 0 where it has ended
 */
export function leave(keys: QueueKeys, worker: string, lease: number, held: readonly string[]): Command<number> {
  const own = keys.ownedBy(worker);
  return call(
    leaveScript,
    [keys.workers, keys.waiting, own],
    [worker, lease, ...held.map(inBytes)],
    (frame) => frame as number,
  );
}

const failScript = new LuaScript(`${NOW}
local own, delayed, dead = KEYS[1], KEYS[2], KEYS[3]
local job, again, delay = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('LREM', own, 1, job) == 0 then return 0 end
if delay < 0 then
  redis.call('LPUSH', dead, again)
else
  redis.call('ZADD', delayed, now + delay, again)
end
return 1`);

/**
 * Has a job that has failed tried again, or puts it among the dead ones. Nothing where the worker has it no longer.
 * @param delay ms; undefined where it is dead
 */
export function fail(
  keys: QueueKeys,
  worker: string,
  job: Buffer,
  again: Buffer,
  delay: number | undefined,
): Command<number> {
  const at = [keys.ownedBy(worker), keys.delayed, keys.dead];
  return call(failScript, at, [job, again, delay ?? -1], (frame) => frame as number);
}

const delayScript = new LuaScript(`${NOW}
local due = now + tonumber(ARGV[1])
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'NX', due, ARGV[i]) end
return #ARGV - 1`);

/** Puts in jobs that are due later. */
export function pushLater(keys: QueueKeys, delay: number, jobs: readonly Buffer[]): Command<number> {
  return call(delayScript, [keys.delayed], [delay, ...jobs], (frame) => frame as number);
}

const redriveScript = new LuaScript(`${JOBS}
local jobs = redis.call('LRANGE', KEYS[1], 0, -1)
for i = #jobs, 1, -1 do
  local name, _, payload = parts(jobs[i])
  redis.call('LPUSH', KEYS[2], name .. ':0:' .. payload)
end
redis.call('DEL', KEYS[1])
return #jobs`);

/** Has all dead jobs wait again, as if they had never been tried. */
export function redrive(keys: QueueKeys): Command<number> {
  return call(redriveScript, [keys.dead, keys.waiting], [], (frame) => frame as number);
}

/** An id has a character for each byte. */
function inBytes(id: string): Buffer {
  return Buffer.from(id, 'latin1');
}

function call<T>(script: LuaScript, keys: readonly Key[], args: readonly Arg[], read: (frame: Frame) => T): Command<T> {
  const range = { from: 2, to: keys.length + 1, step: 1 };
  return new Command(script.specOf(false), [script.id, keys.length, ...keys, ...args], read, [range]);
}
