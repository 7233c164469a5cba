import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { map } from 'rxjs';
import { get } from '../../../src/commands/index';
import { Redis, type Reply } from '../../../src/index';

// Makes replies, has them collected, and prints the warnings of the process.

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
process.on('warning', ({ name, message }) => console.log(`${name}: ${message}`));

/** Replies and chains that were made and are not held here. */
const made: WeakRef<object>[] = [];

function leave(reply: Reply<unknown>): void {
  made.push(new WeakRef(reply));
}

async function use(redis: Redis): Promise<void> {
  const replies = [redis.get('awaited'), redis.get('subscribed'), redis.get('forgotten'), redis.get('piped')] as const;
  replies.forEach(leave);
  const [awaited, subscribed, forgotten, piped] = replies;
  await awaited;
  subscribed.subscribe();
  forgotten.forget();
  await new Promise((resolve) => piped.pipe(map((value) => String(value))).subscribe(resolve));
}

async function leaveUnused(redis: Redis): Promise<void> {
  leave(redis.set('plain', 's3cret')); // SET
  leave(redis.withOptions({ commandTimeout: 1_000 }).incr('view')); // INCR
  leave(redis.bytes.get('bytes')); // GET
  leave(redis.call('X.UNKNOWN', 's3cret')); // X.UNKNOWN
  leave(redis.pipeline(get('one'))); // PIPELINE
  leave(redis.multi().get('two').exec()); // MULTI
  made.push(new WeakRef(redis.pipeline().set('chain', 's3cret'))); // chain
  made.push(new WeakRef(redis.bytes.multi({ failFast: true }))); // chain
  made.push(new WeakRef(redis.get('piped').pipe(map((value) => String(value))))); // GET
  await redis.dedicated((connection) => {
    leave(connection.watch('lease')); // WATCH
    return connection.ping();
  });
}

async function main(url: string, warnUnused: boolean): Promise<void> {
  const redis = new Redis({ url, ...(warnUnused && { warnUnused }), prefix: 'p:' });
  await use(redis);
  await leaveUnused(redis);
  // Replies that were used are collected as well, so that a warning about them would be told by now.
  while (made.some((reply) => reply.deref() !== undefined)) {
    await new Promise(setImmediate);
    collect();
  }
  for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate);
  await redis.close();
}

void main(process.argv[2]!, process.argv[3] === 'on');
