import { NEVER, concat, of, throwError, type Observable, type ObservableInput } from 'rxjs';
import { RedisPool, type DedicatedConnection } from '../../../src';
import { stage, type Stage } from '../../../src/connection/stage';
import { ConnectionError, TimeoutError } from '../../../src/errors';
import { endOfTick } from '../../support/tick';
import { VirtualClock } from '../../support/virtual-clock';
import { Random } from '../random';
import { ServingSocket, type ServingObserver } from './serving-socket';

const STEPS = 70;
/** The clock and the sweeps of connections are so coarse, ms. */
const GRAIN = 10;

/** A user of a connection, or a command of the pool itself. */
interface User {
  readonly name: string;
  readonly isOwn: boolean;
  readonly askedAt: number;
  state: 'waits' | 'has one' | 'is over';
  leave(): void;
}

type Work = (connection: DedicatedConnection, name: string) => ObservableInput<unknown>;

/** Every one says its name first. */
const works: readonly Work[] = [
  (connection, name) => connection.echo(name),
  (connection, name) => connection.echo(name),
  (connection, name) => concat(connection.echo(name), NEVER),
  (connection, name) => concat(connection.echo(name), connection.watch('k')),
  (connection, name) => concat(connection.echo(name), connection.watch('k'), connection.call('MULTI')),
  (connection, name) => concat(connection.echo(name), connection.call('MULTI'), connection.incr('k')),
  (connection, name) => concat(connection.echo(name), connection.select(1)),
  (connection, name) =>
    concat(
      connection.echo(name),
      throwError(() => new Error('mine')),
    ),
  () => {
    throw new Error('mine');
  },
];

/**
 * A pool in virtual time, and whatever users, the server and the network do to it.
 * @returns the first fault that shows
 */
async function play(seed: number): Promise<string | undefined> {
  const random = new Random(seed);
  const clock = new VirtualClock();
  const sockets: ServingSocket[] = [];
  const users = new Map<string, User>();
  /** who has used a connection last */
  const latest = new Map<ServingSocket, User>();
  const faults: string[] = [];
  const [min, max] = [random.int(0, 2), random.int(2, 4)];
  const acquireTimeout = random.pick([50, 300, 2_000]);
  let isDown = false;

  const observer: ServingObserver = {
    arrived: (socket, name, traces) => {
      const user = users.get(name)!;
      const before = latest.get(socket);
      if (before === user) return;
      latest.set(socket, user);
      if (before !== undefined && before.state !== 'is over' && !(before.isOwn && user.isOwn))
        faults.push(`the connection of ${before.name} was lent to ${name} as well`);
      if (traces.length > 0) faults.push(`${name} was lent a connection with ${traces.join(', ')}`);
    },
  };
  const dial = (): Observable<ServingSocket> => {
    if (isDown) return throwError(() => new ConnectionError('nothing listens there'));
    const socket = new ServingSocket(observer);
    sockets.push(socket);
    return concat(of(socket), NEVER);
  };
  const own: Stage = { partsFor: () => ({ clock, dial }), made: () => undefined, subscribesBy: () => undefined };
  const options = { min, max, acquireTimeout, idleTimeout: 20_000, commandTimeout: 1_000, warnUnused: false };
  const pool = new RedisPool(
    Object.assign({ ...options, reconnect: { initialDelay: 20, maxDelay: 100 } }, { [stage]: own }),
  );
  pool.events$.subscribe();

  const follow = (name: string, isOwn: boolean, reply$: (user: User) => Observable<unknown>): void => {
    const user: User = { name, isOwn, askedAt: clock.now(), state: 'waits', leave: () => undefined };
    users.set(name, user);
    const over = (): void => {
      if (user.state === 'is over') faults.push(`${name} has ended twice`);
      user.state = 'is over';
    };
    const subscription = reply$(user).subscribe({
      next: (value) => {
        if (isOwn && value !== name) faults.push(`${name} got ${String(value)}`);
      },
      error: (error: unknown) => {
        const isEarly = clock.now() - user.askedAt < acquireTimeout;
        if (!isOwn && user.state === 'waits' && error instanceof TimeoutError && isEarly)
          faults.push(`${name} was given up before its time`);
        over();
      },
      complete: over,
    });
    user.leave = () => {
      if (user.state === 'is over') return;
      user.state = 'is over';
      subscription.unsubscribe();
    };
  };
  const ask = (name: string): void => {
    const work = random.pick(works);
    follow(name, false, (user) =>
      pool.use((connection) => {
        if (user.state !== 'waits') faults.push(`${name} begins although it ${user.state}`);
        const first = [...users.values()].find(({ isOwn, state }) => !isOwn && state === 'waits');
        if (first !== user) faults.push(`${name} begins before ${first?.name}`);
        user.state = 'has one';
        return work(connection, name);
      }),
    );
  };
  const send = (name: string): void => {
    follow(name, true, () => pool.echo(name));
  };
  const open = () => sockets.filter(({ isOpen }) => isOpen);
  const look = (): void => {
    const { active, idle, waiting, total } = pool.stats;
    if (total > max) faults.push(`${total} connections are there, and ${max} may be`);
    if (open().length > total) faults.push(`${open().length} connections are open, and ${total} are known`);
    if (active + idle > total) faults.push(`${active} are active, ${idle} idle, and ${total} in all`);
    const line = [...users.values()].filter(({ isOwn, state }) => !isOwn && state === 'waits');
    if (line.length > waiting) faults.push(`${line.length} users wait, and the pool knows of ${waiting}`);
    for (const { name, askedAt } of line)
      if (clock.now() - askedAt > acquireTimeout + GRAIN) faults.push(`${name} waits for longer than it may`);
  };

  for (let step = 0; step < STEPS; step++) {
    const draw = random.int(0, 99);
    if (draw < 25) ask(`user:${step}`);
    else if (draw < 38) send(`own:${step}`);
    else if (draw < 48) random.maybe(1, () => [...users.values()].at(-random.int(1, 6))?.leave());
    else if (draw < 82) for (const socket of open()) socket.answer(random.pick([0, 1, 2, 5]));
    else if (draw < 86) random.maybe(1, () => open().at(-random.int(1, 3))?.cut());
    else if (draw < 88) isDown = !isDown;
    else clock.advance(random.pick([1, 5, 20, 100, 400, 1_500]));
    if (random.chance(0.8)) await endOfTick();
    look();
  }
  // All comes to its end, and the server is there.
  isDown = false;
  for (const user of users.values()) if (!user.isOwn) user.leave();
  for (let quiet = 0; quiet < 60; quiet++) {
    for (const socket of open()) socket.answer(Infinity);
    clock.advance(100);
    await endOfTick();
    look();
  }
  const { active, idle, waiting, total } = pool.stats;
  for (const { name, state } of users.values()) if (state !== 'is over') faults.push(`${name} has never ended`);
  if (active > 0 || waiting > 0) faults.push(`${active} are lent and ${waiting} wait although all has ended`);
  if (users.size > 0 && total < min) faults.push(`${total} connections are kept of ${min}`);
  if (idle !== total || total !== open().length) faults.push(`${open().length} are open, ${idle} idle, ${total} known`);
  pool.close().subscribe();
  for (let quiet = 0; quiet < 3; quiet++) {
    await endOfTick();
    clock.advance(10);
  }
  if (open().length > 0) faults.push(`${open().length} connections are open in the end`);
  clock.advance(60_000);
  if (clock.waiting > 0) faults.push(`${clock.waiting} timers are left in the end`);
  return faults[0];
}

/** Plays seeds until one shows a fault. */
export async function runSeeds(from: number, count: number): Promise<{ seed: number; fault: string } | undefined> {
  for (let seed = from; seed < from + count; seed++) {
    const fault = await play(seed);
    if (fault !== undefined) return { seed, fault };
  }
  return undefined;
}
