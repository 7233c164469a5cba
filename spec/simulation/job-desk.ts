import { createHash } from 'node:crypto';
import { QueueKeys } from '../../src/streams/queue-keys';
import type { DeskServing } from './desk';
import { JobStore, partsOf, readings, type Returned } from './job-scripts';
import type { Peer } from './peer';
import * as resp from './resp';
import { NOSCRIPT, type WireRequest } from './wire';

/** The one queue of a run. */
export const QUEUE = 'J';

const KEYS = new QueueKeys(QUEUE);
const WAITING = String(KEYS.waiting);
const DELAYED = String(KEYS.delayed);
const DEAD = String(KEYS.dead);
const WORKERS = String(KEYS.workers);
const OWN = String(KEYS.ownedBy(''));

interface Serving extends DeskServing {
  /** the scripts that the server has, by their SHA-1 */
  readonly scripts: Set<string>;
  readonly tell: JobWatcher;
}

/** Hears what becomes of jobs, by their numbers. */
export interface JobWatcher {
  jobAdded(job: number): void;
  /** the end of a job is told: it is in no list any more */
  jobRemoved(job: number): void;
  /** jobs go from the list of one worker to where others take them */
  jobsMoved(jobs: readonly number[], why: 'leave' | 'takeBack'): void;
  /** jobs of a worker that died have had their last attempt with it */
  jobsDied(jobs: readonly number[]): void;
  /** the server has lost its memory */
  jobsForgotten(): void;
}

/** Where each job is, and what workers there are. */
export interface JobPlaces {
  /** undefined where it is nowhere */
  of(job: number): 'waiting' | 'delayed' | 'dead' | 'taken' | undefined;
  /** how many jobs lie in lists of workers */
  readonly taken: number;
  readonly workers: number;
}

/** Where a server keeps the jobs of a queue, and those that wait for one. */
export class JobDesk implements JobPlaces {
  private store = new JobStore();
  private readonly waiting = new Set<Peer>();
  private added = 0;
  private died = 0;

  constructor(private readonly serving: Serving) {}

  /** The time of the server as scripts have it, ms. */
  private get now(): number {
    return Math.floor(this.serving.now());
  }

  restart(): void {
    this.store = new JobStore();
    this.serving.tell.jobsForgotten();
  }

  forget(peer: Peer): void {
    this.waiting.delete(peer);
  }

  /** Another client puts in a job. */
  add(delay: number): void {
    const number = this.added++;
    this.serving.tell.jobAdded(number);
    const job = `j${number}:0:${number}`;
    if (delay > 0) this.store.zadd(DELAYED, this.now + delay, job);
    else this.store.lpush(WAITING, job);
    this.serve();
  }

  /** A worker of another client takes so many jobs that were put in, and dies. */
  seize(count: number, lease: number): void {
    const name = `dead-${this.died++}`;
    this.store.zadd(WORKERS, this.now + lease, name);
    for (let left = count; left > 0; left--) {
      const number = this.added++;
      this.serving.tell.jobAdded(number);
      this.store.lpush(OWN + name, `j${number}:0:${number}`);
    }
  }

  /** Another client takes back what workers have whose lease is over. */
  reap(attempts: number): void {
    const { now } = this;
    const takeBack = [...readings.values()].find(({ name }) => name === 'takeBack')!;
    for (const worker of this.store.below(WORKERS, now))
      this.moving('takeBack', OWN + worker, () =>
        takeBack.run(this.store, now, [WORKERS, WAITING, DEAD, OWN + worker], [worker, '1000', String(attempts), '1']),
      );
    this.serve();
  }

  of(job: number): 'waiting' | 'delayed' | 'dead' | 'taken' | undefined {
    const isIt = (one: string): boolean => numberOf(one) === job;
    if (this.store.list(WAITING).some(isIt)) return 'waiting';
    if ([...this.store.scores(DELAYED).keys()].some(isIt)) return 'delayed';
    if (this.store.list(DEAD).some(isIt)) return 'dead';
    return this.owned.some((key) => this.store.list(key).some(isIt)) ? 'taken' : undefined;
  }

  get taken(): number {
    return this.owned.reduce((sum, key) => sum + this.store.list(key).length, 0);
  }

  get workers(): number {
    return this.store.scores(WORKERS).size;
  }

  /** Nothing waits, now or later, and no worker has anything. */
  get isDone(): boolean {
    return this.store.list(WAITING).length + this.store.scores(DELAYED).size + this.taken === 0;
  }

  private get owned(): readonly string[] {
    return this.store.filled.filter((key) => key.startsWith(OWN));
  }

  /** How many connections wait here. */
  get waits(): number {
    return this.waiting.size;
  }

  /** What waits at a master that becomes a replica is told so, and its connection ended. */
  demote(): void {
    for (const peer of [...this.waiting]) {
      this.unblocked(
        peer,
        'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
      );
      this.serving.hangUp(peer);
    }
  }

  /** Ends the wait of a connection by an error. @returns whether it waited here */
  unblock(index: number): boolean {
    const peer = [...this.waiting].find((one) => one.index === index);
    if (peer === undefined) return false;
    this.unblocked(peer, 'UNBLOCKED client unblocked via CLIENT UNBLOCK');
    this.serving.goOn(peer);
    return true;
  }

  private unblocked(peer: Peer, text: string): void {
    const { request } = peer.blocked!;
    this.release(peer);
    peer.answer(resp.error(text), request, { error: text });
  }

  /** @returns whether the request is about the queue and has been dealt with */
  take(peer: Peer, request: WireRequest): boolean {
    const { words } = request;
    if (!isOfQueue(words)) return false;
    const refusal = this.serving.refusal(peer, request);
    const sha = words[0] === 'EVAL' ? shaOf(words[1]!) : words[1]!;
    if (refusal !== undefined) this.refuse(peer, request, refusal);
    else if (words[0] === 'BLMOVE') this.wait(peer, request);
    else if (words[0] === 'LREM') this.answer(peer, request, this.remove(words[1]!, words[3]!));
    else if (words[0] === 'EVALSHA' && !this.serving.scripts.has(sha)) this.refuse(peer, request, NOSCRIPT);
    else this.run(peer, request, sha);
    return true;
  }

  private refuse(peer: Peer, request: WireRequest, text: string): void {
    peer.answer(resp.error(text), request, { error: text });
  }

  private run(peer: Peer, request: WireRequest, sha: string): void {
    const { words } = request;
    this.serving.scripts.add(sha);
    const reading = readings.get(sha);
    if (reading === undefined) {
      this.serving.fail('the queue has sent a script that is none of its own');
      return;
    }
    const count = Number(words[2]);
    const [keys, args] = [words.slice(3, 3 + count), words.slice(3 + count)];
    const { name } = reading;
    const run = () => reading.run(this.store, this.now, keys, args);
    this.answer(peer, request, name === 'leave' || name === 'takeBack' ? this.moving(name, keys.at(-1)!, run) : run());
    this.serve();
  }

  /** Tells which jobs go from the list of a worker. */
  private moving(why: 'leave' | 'takeBack', own: string, run: () => Returned): Returned {
    const before = this.store.list(own).map(numberOf);
    const returned = run();
    const now = new Set(this.store.list(own).map(numberOf));
    const moved = before.filter((job) => !now.has(job));
    if (moved.length > 0) this.serving.tell.jobsMoved(moved, why);
    if (why === 'takeBack') this.serving.tell.jobsDied(moved.filter((job) => (this.of(job) ?? 'dead') === 'dead'));
    return returned;
  }

  private remove(key: string, job: string): number {
    const count = this.store.lrem(key, job);
    if (count > 0) this.serving.tell.jobRemoved(numberOf(job));
    return count;
  }

  private answer(peer: Peer, request: WireRequest, returned: Returned): void {
    request.ran = true;
    peer.answer(toResp(returned), request, { value: '' });
  }

  private wait(peer: Peer, request: WireRequest): void {
    if (this.store.list(WAITING).length > 0) {
      this.give(peer, request);
      return;
    }
    const giveUp = () => {
      this.release(peer);
      request.ran = true;
      peer.answer(resp.nothing(peer.protocol), request, { value: '' });
      this.serving.goOn(peer);
    };
    peer.blocked = { request, timer: this.serving.after(Number(request.words.at(-1)) * 1000, giveUp) };
    this.waiting.add(peer);
  }

  private give(peer: Peer, request: WireRequest): void {
    const [, from, to] = request.words;
    this.answer(peer, request, this.store.move(from!, to!)!);
  }

  private release(peer: Peer): void {
    peer.blocked?.timer?.unsubscribe();
    peer.blocked = undefined;
    this.waiting.delete(peer);
  }

  private serve(): void {
    for (const peer of [...this.waiting]) {
      if (this.store.list(WAITING).length === 0) return;
      const { request } = peer.blocked!;
      this.release(peer);
      this.give(peer, request);
      this.serving.goOn(peer);
    }
  }
}

/** It is about the queue. */
export function isOfQueue([name, first, , key]: readonly string[]): boolean {
  if (name === 'EVALSHA' || name === 'EVAL') return key?.startsWith('queue:{') === true;
  return first?.startsWith('queue:{') === true;
}

/** The payload of a job is its number. */
function numberOf(job: string): number {
  return Number(partsOf(job).payload);
}

function toResp(returned: Returned): string {
  if (typeof returned === 'number') return resp.integer(returned);
  return typeof returned === 'string' ? resp.bulk(returned) : resp.array(returned.map(toResp));
}

const shas = new Map<string, string>();

/** The SHA-1 of a script. */
export function shaOf(text: string): string {
  let sha = shas.get(text);
  if (sha === undefined) shas.set(text, (sha = createHash('sha1').update(text, 'latin1').digest('hex')));
  return sha;
}
