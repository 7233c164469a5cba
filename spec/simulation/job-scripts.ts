import { QueueKeys } from '../../src/streams/queue-keys';
import { fail, leave, pushLater, redrive, takeBack, tend } from '../../src/streams/queue-scripts';

/** What a script returns: a number, a text, or several. */
export type Returned = number | string | readonly Returned[];

/** The lists and sorted sets that a queue is made of. */
export class JobStore {
  private readonly lists = new Map<string, string[]>();
  private readonly sets = new Map<string, Map<string, number>>();

  list(key: string): string[] {
    return this.lists.get(key) ?? [];
  }

  scores(key: string): ReadonlyMap<string, number> {
    return this.sets.get(key) ?? new Map<string, number>();
  }

  /** The keys of all lists that are not empty. */
  get filled(): readonly string[] {
    return [...this.lists].filter(([, list]) => list.length > 0).map(([key]) => key);
  }

  /** At the left, where new jobs are put in. */
  lpush(key: string, ...jobs: readonly string[]): number {
    const list = [...[...jobs].reverse(), ...this.list(key)];
    this.lists.set(key, list);
    return list.length;
  }

  /** At the right, from where jobs are taken. */
  rpush(key: string, job: string): void {
    this.lists.set(key, [...this.list(key), job]);
  }

  /** From the right of one list to the left of another. */
  move(from: string, to: string): string | undefined {
    const list = [...this.list(from)];
    const job = list.pop();
    if (job === undefined) return undefined;
    this.lists.set(from, list);
    this.lpush(to, job);
    return job;
  }

  /** The first from the left. */
  lrem(key: string, job: string): number {
    const list = [...this.list(key)];
    const at = list.indexOf(job);
    if (at < 0) return 0;
    list.splice(at, 1);
    this.lists.set(key, list);
    return 1;
  }

  del(key: string): void {
    this.lists.delete(key);
  }

  zadd(key: string, score: number, member: string): void {
    let set = this.sets.get(key);
    if (set === undefined) this.sets.set(key, (set = new Map<string, number>()));
    set.set(member, score);
  }

  zrem(key: string, member: string): void {
    this.sets.get(key)?.delete(member);
  }

  /** All members by their scores, those with the same score by their bytes. */
  sorted(key: string): readonly (readonly [member: string, score: number])[] {
    return [...this.scores(key)].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  }

  /**
   * The members with less than a score. Those with the same score stay as they came: the names of workers
   * are drawn by chance, and a run is a function of its plan.
   */
  below(key: string, score: number): readonly string[] {
    return [...this.scores(key)]
      .filter(([, own]) => own < score)
      .sort(([, x], [, y]) => x - y)
      .map(([member]) => member);
  }
}

/** The id of a job, how often it was tried, and its payload. */
export function partsOf(job: string): { readonly id: string; readonly tries: number; readonly payload: string } {
  const id = /^[^:]*/.exec(job)![0];
  const rest = /^[^:]*:(\d+):/.exec(job);
  return rest === null
    ? { id, tries: 0, payload: job }
    : { id, tries: Number(rest[1]), payload: job.slice(rest[0].length) };
}

/** A script, as it is read here: what it does with keys and arguments at a time, ms. */
type Reading = (store: JobStore, now: number, keys: readonly string[], args: readonly string[]) => Returned;

const readTend: Reading = (store, now, [workers, delayed, waiting, own], [me, lease, limit, heldCount, ...ids]) => {
  store.zadd(workers!, now + Number(lease), me!);
  for (const [job, due] of store.sorted(delayed!)) {
    if (due > now) break;
    store.lpush(waiting!, job);
    store.zrem(delayed!, job);
  }
  const before = store.list(own!);
  const held = Number(heldCount);
  const jobs: string[] = [];
  let lost: string[] = [];
  if (before.length !== held) {
    const known = new Set(ids);
    const there = new Set(before.map((job) => partsOf(job).id));
    jobs.push(...before.filter((job) => !known.has(partsOf(job).id)).reverse());
    lost = ids.slice(0, held).filter((id) => !there.has(id));
  }
  for (let count = before.length; count < Number(limit); count++) {
    const job = store.move(waiting!, own!);
    if (job === undefined) break;
    jobs.push(job);
  }
  const nearest = store.sorted(delayed!)[0];
  const dead = store.below(workers!, now);
  return [jobs, lost, dead, nearest === undefined ? -1 : Math.max(0, nearest[1] - now)];
};

const readTakeBack: Reading = (store, now, [workers, waiting, dead, own], [worker, lease, most, keeps]) => {
  const ends = store.scores(workers!).get(worker!);
  if (ends === undefined || ends >= now) return [0, 0];
  const jobs = store.list(own!);
  if (jobs.length === 0) {
    store.zrem(workers!, worker!);
    return [0, 0];
  }
  let ended = 0;
  for (const job of jobs) {
    const { id, tries, payload } = partsOf(job);
    const again = `${id}:${tries + 1}:${payload}`;
    if (Number(most) > 0 && tries + 1 >= Number(most)) {
      ended++;
      if (keeps === '1') store.lpush(dead!, again);
    } else store.rpush(waiting!, again);
  }
  store.del(own!);
  store.zadd(workers!, now + Number(lease), worker!);
  return [jobs.length - ended, ended];
};

const readLeave: Reading = (store, now, [workers, waiting, own], [worker, lease, ...held]) => {
  let back = 0;
  for (const job of store.list(own!)) {
    if (held.includes(partsOf(job).id)) continue;
    store.lrem(own!, job);
    store.rpush(waiting!, job);
    back++;
  }
  if (Number(lease) > 0) store.zadd(workers!, now + Number(lease), worker!);
  else store.zrem(workers!, worker!);
  return back;
};

const readFail: Reading = (store, now, [own, delayed, dead], [job, again, delay]) => {
  if (store.lrem(own!, job!) === 0) return 0;
  if (Number(delay) < 0) store.lpush(dead!, again!);
  else store.zadd(delayed!, now + Number(delay), again!);
  return 1;
};

const readPushLater: Reading = (store, now, [delayed], [delay, ...jobs]) => {
  for (const job of jobs) if (!store.scores(delayed!).has(job)) store.zadd(delayed!, now + Number(delay), job);
  return jobs.length;
};

const readRedrive: Reading = (store, _, [dead, waiting]) => {
  const jobs = store.list(dead!);
  for (const job of [...jobs].reverse()) {
    const { id, payload } = partsOf(job);
    store.lpush(waiting!, `${id}:0:${payload}`);
  }
  store.del(dead!);
  return jobs.length;
};

const ANY = new QueueKeys('any');
const NOTHING = Buffer.alloc(0);
const TENDING = { worker: '', lease: 0, limit: 0, held: [], settling: [] };

/** The scripts of a queue by their SHA-1. Nothing here runs Lua: `job-desk.spec.ts` holds these against a server that does. */
export const readings: ReadonlyMap<string, { readonly name: string; readonly run: Reading }> = new Map(
  (
    [
      ['tend', tend(ANY, TENDING), readTend],
      ['takeBack', takeBack(ANY, '', { lease: 0, attempts: 1, deadLetter: true }), readTakeBack],
      ['leave', leave(ANY, '', 0, []), readLeave],
      ['fail', fail(ANY, '', NOTHING, NOTHING, 0), readFail],
      ['pushLater', pushLater(ANY, 0, []), readPushLater],
      ['redrive', redrive(ANY), readRedrive],
    ] as const
  ).map(([name, { spec }, run]) => [spec.script!.id, { name, run }]),
);
