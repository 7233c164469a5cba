import type { Observable } from 'rxjs';
import { get, rpush } from '../../../src/commands/generated/builders';
import type { RedisCluster } from '../../../src/redis-cluster';
import type { Journal } from '../journal';
import type { Timeline } from '../timeline';
import { channelOf, keyOf } from './cluster';
import { KEYS, type CallItem } from './draw';

/** A write of a call, by which its executions are found. */
export interface Write {
  readonly tag: string;
  readonly key: string;
}

/** One call, and what became of it. */
export interface Call {
  readonly id: number;
  readonly op: CallItem['op'];
  readonly at: number;
  /** in the order of the caller; none of what only reads */
  readonly writes: readonly Write[];
  readonly keys: readonly string[];
  settledAt?: number;
  outcome:
    | { readonly kind: 'value'; readonly value: unknown }
    | { readonly kind: 'error'; readonly error: Error }
    | 'left'
    | undefined;
}

/** What the user of the client does. */
export class Workload {
  readonly calls: Call[] = [];

  constructor(
    private readonly client: RedisCluster,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
    private readonly settled: (call: Call) => void,
  ) {}

  call({ op, keys: numbers, leaveAfter }: Pick<CallItem, 'op' | 'keys' | 'leaveAfter'>): Call {
    const { timeline, journal } = this;
    const id = this.calls.length;
    const keys = keysOf(op, numbers);
    const writes = ['get', 'mget', 'del'].includes(op)
      ? []
      : keys.flatMap((key, at) => (op === 'multi' && at === 1 ? [] : [{ key, tag: `${id}.${at}` }]));
    const call: Call = { id, op, at: timeline.now(), writes, keys, outcome: undefined };
    this.calls.push(call);
    timeline.touched = true;
    journal.note('calls', id, op, keys.join());
    const over = (outcome: NonNullable<Call['outcome']>): void => {
      if (call.outcome !== undefined) {
        journal.fail(`call ${id} is told twice`);
        return;
      }
      call.outcome = outcome;
      call.settledAt = timeline.now();
      journal.note(
        'settled',
        id,
        typeof outcome === 'string'
          ? outcome
          : outcome.kind === 'value'
            ? 'value'
            : `${outcome.error.name}: ${outcome.error.message}`,
      );
      this.settled(call);
    };
    const subscription = this.send(op, keys, writes).subscribe({
      next: (value) => over({ kind: 'value', value }),
      error: (error: Error) => over({ kind: 'error', error }),
    });
    if (leaveAfter !== undefined) {
      timeline.afterInProcess(leaveAfter, () => {
        if (call.outcome !== undefined) return;
        call.outcome = 'left';
        timeline.touched = true;
        journal.note('leaves', id);
        subscription.unsubscribe();
      });
    }
    return call;
  }

  private send(op: CallItem['op'], keys: readonly string[], writes: readonly Write[]): Observable<unknown> {
    const { client } = this;
    const [key = ''] = keys;
    const tag = writes[0]?.tag ?? '';
    switch (op) {
      case 'rpush':
        return client.rpush(key, tag);
      case 'set':
        return client.set(key, tag);
      case 'get':
        return client.get(key);
      case 'mget':
        return client.mget(...keys);
      case 'mset':
        return client.mset(Object.fromEntries(writes.map((write) => [write.key, write.tag])));
      case 'del':
        return client.del(...keys);
      case 'pipeline':
        return client.pipeline(writes.map((write) => rpush(write.key, write.tag)));
      case 'multi':
        return client.multi([rpush(key, tag), get(keys[1]!), rpush(keys[2]!, writes[1]!.tag)]);
      case 'eval':
        return client.eval('return', [key], [tag]);
      case 'spublish':
        return client.spublish(key, tag);
      case 'publish':
        return client.publish(key, tag);
    }
  }
}

function keysOf(op: CallItem['op'], numbers: readonly number[]): readonly string[] {
  const [first = 0, second = 0] = numbers;
  switch (op) {
    case 'spublish':
      return [channelOf(Math.floor(first / KEYS) % 3)];
    case 'publish':
      return [channelOf(first % 3)];
    case 'multi':
      return [0, second, 1].map((at) => keyOf(Math.floor(first / KEYS) * KEYS + (at % KEYS)));
    case 'mget':
    case 'mset':
    case 'del':
    case 'pipeline':
      return [...new Set(numbers.map(keyOf))];
    default:
      return [keyOf(first)];
  }
}
