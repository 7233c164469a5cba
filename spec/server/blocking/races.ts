import {
  EMPTY,
  Subject,
  type Subscription,
  firstValueFrom,
  fromEvent,
  lastValueFrom,
  switchMap,
  takeUntil,
  timeout,
  type Observable,
} from 'rxjs';
import type { Redis, RedisCommands } from 'rxjs-redis';
import { xadd } from 'rxjs-redis/commands';
import type { Random } from '../../simulation/random';
import { turns } from '../../support/turns';

/** A command that waits, and what is pushed and found beside it. Keys of `redis` have the prefix `p:`, those of `admin` none. */
export interface Kind {
  readonly command: string;
  wait(redis: RedisCommands, lane: string): Observable<unknown>;
  push(admin: Redis, lane: string, items: readonly string[]): PromiseLike<unknown>;
  /** the items of a value */
  itemsOf(value: unknown): readonly string[];
  /** takes all that is there away, so that the next command waits, and says what it was */
  drain(admin: Redis, lane: string): Promise<readonly string[]>;
  /** where what was delivered lies all the same: the destination, what is pending */
  keeps?(admin: Redis, lane: string): Promise<readonly string[]>;
  prepare?(admin: Redis, lane: string): PromiseLike<unknown>;
}

const key = (lane: string) => `p:${lane}`;

async function drainList(admin: Redis, lane: string): Promise<readonly string[]> {
  const [items] = await admin.multi().lrange(key(lane), 0, -1).del(key(lane)).exec();
  return items as string[];
}

const list = {
  push: (admin: Redis, lane: string, items: readonly string[]) => admin.rpush(key(lane), [...items]),
  drain: drainList,
};

/** The score of an item, which it has to keep. */
const scoreOf = (item: string) => Number(item.split(':')[1]) / 7;

const scored = ({ member, score }: { member: string; score: number }) =>
  score === scoreOf(member) ? member : `${member} with the score ${score}`;

export const kinds: readonly Kind[] = [
  {
    command: 'BLPOP',
    wait: (redis, lane) => redis.blpop(lane, 0),
    itemsOf: (value) => [(value as string[])[1]!],
    ...list,
  },
  {
    command: 'BLMOVE',
    wait: (redis, lane) => redis.blmove(lane, `${lane}:done`, 'LEFT', 'RIGHT', 0),
    itemsOf: (value) => [value as string],
    keeps: (admin, lane) => admin.lrange(`${key(lane)}:done`, 0, -1).then(),
    ...list,
  },
  {
    command: 'BLMPOP',
    wait: (redis, lane) => redis.blmpop(0, ['none', lane], 'RIGHT', { COUNT: 2 }),
    itemsOf: (value) => (value as [string, string[]])[1],
    ...list,
  },
  {
    command: 'BZPOPMIN',
    wait: (redis, lane) => redis.bzpopmin(lane, 0),
    itemsOf: (value) => {
      const [, member, score] = value as [string, string, number];
      return [scored({ member, score })];
    },
    push: (admin, lane, items) => admin.zadd(key(lane), Object.fromEntries(items.map((item) => [item, scoreOf(item)]))),
    drain: async (admin, lane) => {
      const [members] = await admin.multi().zrange(key(lane), 0, -1, { WITHSCORES: true }).del(key(lane)).exec();
      return (members as { member: string; score: number }[]).map(scored);
    },
  },
  {
    command: 'XREADGROUP',
    prepare: (admin, lane) => admin.xgroupCreate(key(lane), 'group', '0', { MKSTREAM: true }),
    wait: (redis, lane) => redis.xreadgroup('group', 'mine', { [lane]: '>' }, { BLOCK: 0, COUNT: 2 }),
    push: (admin, lane, items) => admin.pipeline(items.map((item) => xaddOf(lane, item))),
    itemsOf: (value) => Object.values(value as Streams).flatMap((entries) => entries.map(({ fields }) => fields.item)),
    drain: async (admin, lane) => {
      const read = (await admin.xreadgroup('group', 'other', { [key(lane)]: '>' })) as unknown as Streams | null;
      return Object.values(read ?? {}).flatMap((entries) => entries.map(({ fields }) => fields.item));
    },
    keeps: async (admin, lane) => {
      const read = (await admin.xreadgroup('group', 'mine', { [key(lane)]: '0' })) as unknown as Streams;
      return Object.values(read).flatMap((entries) => entries.map(({ fields }) => fields.item));
    },
  },
];

type Streams = Record<string, { fields: { item: string } }[]>;

const xaddOf = (lane: string, item: string) => xadd(key(lane), '*', { item });

/** A wait that has begun: `cancel` ends it if nothing has come yet; `over` once nothing can come any more. */
export interface Begun {
  readonly cancel: () => void;
  readonly over: Promise<unknown>;
}

export const ways: Readonly<
  Record<string, (wait: Observable<unknown>, told: (value: unknown) => void, random: Random) => Begun>
> = {
  'unsubscribe()': (wait, told) => {
    const waiting: Subscription = wait.subscribe(told);
    return { cancel: () => waiting.unsubscribe(), over: Promise.resolve() };
  },
  'timeout()': (wait, told, random) => {
    const limited = wait.pipe(timeout({ first: random.int(0, 3) }));
    const over = firstValueFrom(limited).then(told, (error: Error) => {
      if (error.name !== 'TimeoutError' || 'code' in error) throw error;
    });
    return { cancel: () => undefined, over };
  },
  'takeUntil()': (wait, told) => {
    const stop$ = new Subject<void>();
    wait.pipe(takeUntil(stop$)).subscribe(told);
    return { cancel: () => stop$.next(), over: Promise.resolve() };
  },
  'switchMap()': (wait, told) => {
    const wanted$ = new Subject<boolean>();
    wanted$.pipe(switchMap((isWanted) => (isWanted ? wait : EMPTY))).subscribe(told);
    wanted$.next(true);
    return { cancel: () => wanted$.next(false), over: Promise.resolve() };
  },
  'Promise.race() with a signal': (wait, told) => {
    const stopped = new AbortController();
    const aborted$ = fromEvent(stopped.signal, 'abort');
    const value = lastValueFrom(wait.pipe(takeUntil(aborted$)), { defaultValue: undefined });
    const over = Promise.race([firstValueFrom(aborted$).then(() => undefined), value]).then((winner) => {
      if (winner !== undefined) told(winner);
    });
    return { cancel: () => stopped.abort(), over };
  },
};

/** What has become of the items. */
export interface Tally {
  readonly pushed: string[];
  readonly delivered: string[];
  readonly drained: string[];
}

/** One lane of races: each begins a wait, then pushes and cancels, in either order and so many turns apart. */
export async function race(
  kind: Kind,
  way: string,
  { redis, admin, lane, random, rounds }: { redis: Redis; admin: Redis; lane: string; random: Random; rounds: number },
): Promise<Tally> {
  const tally: Tally = { pushed: [], delivered: [], drained: [] };
  await kind.prepare?.(admin, lane);
  const told = (value: unknown) => tally.delivered.push(...kind.itemsOf(value));
  for (let round = 0; round < rounds; round++) {
    const items = Array.from({ length: random.int(1, 3) }, (_, n) => `${lane}:${round * 3 + n}`);
    tally.pushed.push(...items);
    const { cancel, over } = ways[way]!(kind.wait(redis, lane), told, random);
    await turns(random.int(0, 4));
    let isPushed: PromiseLike<unknown>;
    if (random.chance(0.5)) {
      isPushed = kind.push(admin, lane, items).then(() => undefined);
      await turns(random.int(0, 3));
      cancel();
    } else {
      cancel();
      await turns(random.int(0, 2));
      isPushed = kind.push(admin, lane, items);
    }
    await Promise.all([isPushed, over]);
    tally.drained.push(...(await kind.drain(admin, lane)));
  }
  return tally;
}
