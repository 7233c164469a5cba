import type { EventEmitter } from 'node:events';
import type Theirs from 'ioredis';
import type { ChainableCommander } from 'ioredis';
import { IORedis, type IORedisPipeline } from '../../../src/ioredis';

/** Commands of servers that are not out yet; `call` sends them. */
type ToCome =
  | `ar${string}`
  | `${'blmovem' | 'lmovem' | 'increx'}${'' | 'Buffer'}`
  | ('himport' | 'sdiffcard' | 'sunioncard' | 'xnack');
/** What is between ioredis and its own parts. */
type Internal =
  | `_${string}`
  | `${'get' | 'create' | 'add'}${'Builtin' | 'builtin'}${string}`
  | ('addedBuiltinSet' | 'scriptsSet' | 'silentEmit' | 'recoverFromFatalError' | 'handleReconnection')
  | ('commandQueue' | 'condition' | 'stream' | 'autoPipelineQueueSize');

type Missing<T, O> = Exclude<keyof T, keyof O | ToCome | Internal | keyof EventEmitter>;

/** What belongs to a whole connection, which is shared here. */
const OF_CONNECTIONS = ['asking', 'discard', 'psync', 'readonly', 'readwrite', 'replconf', 'reset', 'sync'] as const;
const OF_CLIENTS = [...OF_CONNECTIONS, 'exec', 'mode', 'restore-asking'] as const;
const OF_PIPELINES = [
  ...OF_CONNECTIONS,
  ...(['psubscribe', 'punsubscribe', 'ssubscribe', 'subscribe', 'sunsubscribe', 'unsubscribe'] as const),
  ...(['quit', 'restore-asking', 'unwatch', 'watch'] as const),
];
const OF_CLASSES = ['Cluster', 'Command'] as const;

/** Compiles only where both are the same. */
type Same<A, B> = [A, B] extends [B, A] ? true : never;
const areAll: readonly true[] = [
  true satisfies Same<Missing<Theirs, IORedis>, (typeof OF_CLIENTS)[number]>,
  true satisfies Same<Missing<ChainableCommander, IORedisPipeline>, (typeof OF_PIPELINES)[number]>,
  true satisfies Same<Missing<typeof Theirs, typeof IORedis>, (typeof OF_CLASSES)[number]>,
];

describe('The shape of ioredis', () => {
  it('has all public members of ioredis but these, which MIGRATING tells of', () => {
    const redis = new IORedis({ lazyConnect: true });
    expect(areAll).toHaveLength(3);
    expect(OF_CLIENTS.filter((name) => name in redis)).toEqual([]);
    expect(OF_PIPELINES.filter((name) => name in redis.pipeline())).toEqual([]);
    expect(OF_CLASSES.filter((name) => name in IORedis)).toEqual([]);
  });
});
