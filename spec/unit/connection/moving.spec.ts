import { get } from '../../../src/commands/generated/builders';
import { Request } from '../../../src/commands/request';
import { plainContext } from '../../../src/commands/request-context';
import type { RedisError } from '../../../src/errors';
import { unobserved } from '../../support/observers';
import { commandsOf, greet, lose, scriptedConnection, tick } from '../../support/scripted-link';
import type { ScriptedSocket } from '../../support/scripted-socket';
import { VirtualClock } from '../../support/virtual-clock';

const COUNT = 1_000;
const PARKED = 100;
const LIMIT = 200;
const cleanUp: (() => void)[] = [];
afterEach(() => cleanUp.splice(0).forEach((end) => end()));

async function connect() {
  const clock = new VirtualClock();
  const scripted = scriptedConnection({ offlineQueue: Infinity }, clock);
  cleanUp.push(() => scripted.connection.destroy());
  scripted.connection.open();
  const link = await greetAtLast(scripted.links);
  clock.advance(0);
  const idle = clock.waiting;
  return { ...scripted, clock, link, idle };
}

async function greetAtLast(links: readonly ScriptedSocket[]): Promise<ScriptedSocket> {
  while (links.length === 0) await tick();
  const link = await greet(links[0]!);
  link.writes.length = 0;
  return link;
}

/** Connection a, with 100 requests that wait to be repeated, and 900 that wait behind a full send buffer. */
async function setUp() {
  const [a, b] = [await connect(), await connect()];
  const outcomes: (unknown[] | undefined)[] = [];
  const requests: Request[] = [];
  for (let n = 0; n < COUNT; n++) {
    const outcome: unknown[] = (outcomes[n] = []);
    const context = { ...plainContext, commandTimeout: LIMIT, retry: () => 150 };
    requests[n] = new Request<unknown>(get(`k${n}`), context, {
      ...unobserved,
      get closed() {
        return outcome.length > 0;
      },
      next: (value) => void outcome.push(value),
      error: (error) => void outcome.push(error),
    });
  }
  const submit = (part: readonly Request[]) => part.forEach((request) => a.connection.submit(request));
  submit(requests.slice(0, PARKED));
  await tick();
  a.link.receive('-TRYAGAIN later\r\n'.repeat(PARKED));
  a.link.accepts = false;
  a.connection.submit(new Request(get('first'), plainContext, unobserved));
  await tick();
  submit(requests.slice(PARKED));
  await tick();
  a.clock.advance(100);
  expect(a.connection.line.queued).toBe(COUNT - PARKED);
  expect(a.connection.line.pending).toBe(COUNT + 1);
  const move = () => {
    for (const request of a.connection.line.take()) b.connection.submit(request);
  };
  return { a, b, requests, outcomes, move };
}

const names = Array.from({ length: COUNT }, (_, n) => `GET k${n}`);

describe('A thousand requests that move to another connection', () => {
  it('are sent there in the order of the calls, those that waited to be repeated included, and each is answered once', async () => {
    const { a, b, outcomes, move } = await setUp();
    move();
    await tick();
    b.clock.advance(0);
    expect(commandsOf(b.link)).toStrictEqual(names);
    expect(a.connection.line.pending).toBe(1);
    b.link.receive(names.map((_, n) => `+v${n}\r\n`).join(''));
    // All that could still go off at the connection that they have left.
    a.link.accepts = true;
    a.link.drain$.next();
    a.clock.advance(1_000);
    b.clock.advance(1_000);
    expect(outcomes).toStrictEqual(names.map((_, n) => [`v${n}`]));
    expect(commandsOf(a.link).filter((command) => !command.endsWith('first'))).toStrictEqual(names.slice(0, PARKED));
  });

  it('have all their time again, and not more', async () => {
    const { a, b, outcomes, move } = await setUp();
    b.link.accepts = false;
    b.connection.submit(new Request(get('fills'), plainContext, unobserved));
    await tick();
    b.clock.advance(70); // another time of day than at the first connection
    const start = b.clock.now();
    move();
    await tick();
    a.clock.advance(1_000); // their first deadlines pass
    b.clock.advance(LIMIT - 1);
    expect(outcomes.every((outcome) => outcome!.length === 0)).toBe(true);
    b.clock.advance(2);
    expect(outcomes.every((outcome) => outcome!.length === 1)).toBe(true);
    const errors = outcomes.map((outcome) => outcome![0] as RedisError);
    expect(new Set(errors.map(({ code }) => code))).toStrictEqual(new Set(['TIMEOUT']));
    // What was refused at the first connection says so; nothing else was ever sent.
    expect(errors.map(({ delivery }) => delivery)).toStrictEqual(
      names.map((_, n) => (n < PARKED ? 'answered' : 'unsent')),
    );
    expect(b.clock.now() - start).toBe(LIMIT + 1);
    expect(b.connection.line.pending).toBe(1);
  });

  it('leave no timer behind', async () => {
    const { a, move } = await setUp();
    move();
    a.link.receive('+first\r\n');
    a.link.accepts = true;
    a.link.drain$.next();
    await tick();
    a.clock.advance(1_000);
    expect(a.connection.line.pending).toBe(0);
    expect(a.clock.waiting).toBe(a.idle);
    a.connection.destroy();
    a.clock.advance(60_000);
    expect(a.clock.waiting).toBe(0);
  });

  it('move there and back, a part at a time, and each is answered once', async () => {
    const { a, b, outcomes, move } = await setUp();
    b.link.accepts = false;
    b.connection.submit(new Request(get('fills'), plainContext, unobserved));
    await tick();
    move();
    await tick();
    a.link.accepts = true;
    a.link.drain$.next();
    await tick();
    // All but the first 400 go back.
    for (const request of b.connection.line.take(400)) a.connection.submit(request);
    b.link.accepts = true;
    b.link.drain$.next();
    await tick();
    a.clock.advance(0);
    expect(commandsOf(b.link).slice(1)).toStrictEqual(names.slice(0, 400));
    expect(commandsOf(a.link).slice(PARKED + 1)).toStrictEqual(names.slice(400));
    b.link.receive('+f\r\n' + '+b\r\n'.repeat(400));
    a.link.receive('+f\r\n' + '+a\r\n'.repeat(600));
    a.clock.advance(1_000);
    b.clock.advance(1_000);
    expect(outcomes).toStrictEqual(names.map((_, n) => [n < 400 ? 'b' : 'a']));
  });

  it('are no suspects at a connection that has lost as many links as the one that they were lost with', async () => {
    const [a, b] = [await connect(), await connect()];
    const lostWithB = async () => {
      const link = b.links.at(-1)!;
      lose(link);
      await tick();
      b.clock.advance(0);
      return greet(b.links.at(-1)!);
    };
    await lostWithB();
    const outcome: unknown[] = [];
    const request = new Request<unknown>(
      get('k'),
      { ...plainContext, retry: () => 0 },
      {
        ...unobserved,
        get closed() {
          return outcome.length > 0;
        },
        next: (value) => void outcome.push(value),
        error: (error) => void outcome.push(error),
      },
    );
    a.connection.submit(request);
    await tick();
    lose(a.link); // it was the oldest in flight
    expect(a.connection.line.take()).toStrictEqual([request]);
    b.connection.submit(request);
    await tick();
    const link = await lostWithB(); // for the first time with this one
    link.receive('$1\r\nv\r\n');
    expect(outcome).toStrictEqual(['v']);
  });
});
