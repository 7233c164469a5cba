import { randomBytes } from 'node:crypto';
import type { Key } from '../commands/arguments';
import type { Arg } from '../commands/command';
import { bytesOf } from '../resp/bytes-of';

/** The keys of a queue. They share a hash tag, so that they are in one slot of a cluster. */
export class QueueKeys {
  readonly waiting: Key;
  readonly delayed: Key;
  readonly dead: Key;
  readonly workers: Key;

  constructor(private readonly name: Key) {
    this.waiting = this.of('waiting');
    this.delayed = this.of('delayed');
    this.dead = this.of('dead');
    this.workers = this.of('workers');
  }

  /** The jobs that a worker has. */
  ownedBy(worker: string): Key {
    return this.of(`worker:${worker}`);
  }

  private of(part: string): Key {
    const { name } = this;
    if (typeof name === 'string') return `queue:{${name}}:${part}`;
    return Buffer.concat([Buffer.from('queue:{'), name, Buffer.from(`}:${part}`)]);
  }
}

/** A job as it lies in a list: its id, how often it was tried, and the payload, which may hold any bytes. */
export interface Entry {
  readonly id: string;
  readonly tries: number;
  readonly payload: Buffer;
  /** all of it: what the lists are searched for */
  readonly whole: Buffer;
}

const COLON = 0x3a;
const DIGITS = /^\d{1,15}$/;

/** What begins the ids of this process; a number follows. */
let origin: string | undefined;
let made = 0;

/** An id that no other job of any process has. */
export function newId(): string {
  origin ??= randomBytes(12).toString('base64url');
  return `${origin}-${(made++).toString(36)}`;
}

/** The entry of a job. */
export function written(id: string, tries: number, payload: Arg): Buffer {
  return Buffer.concat([Buffer.from(`${id}:${tries}:`), bytesOf(payload)]);
}

/** Something that was put into the list by hand is a job as well: all of it is the payload, and what stands before a colon the id. */
export function entryOf(whole: Buffer): Entry {
  const first = whole.indexOf(COLON);
  const second = first < 0 ? -1 : whole.indexOf(COLON, first + 1);
  const id = whole.toString('latin1', 0, first < 0 ? whole.length : first);
  const tries = second < 0 ? '' : whole.toString('latin1', first + 1, second);
  if (!DIGITS.test(tries)) return { id, tries: 0, payload: whole, whole };
  return { id, tries: Number(tries), payload: whole.subarray(second + 1), whole };
}
