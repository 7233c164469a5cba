import fc from 'fast-check';
import type { Command } from '../../../src/commands/command';
import { blpop, get, incr } from '../../../src/commands/generated/builders';
import { Request } from '../../../src/commands/request';
import { plainContext, type RetryPolicy } from '../../../src/commands/request-context';
import { Line } from '../../../src/connection/line';
import { ConnectionError, TimeoutError } from '../../../src/errors';
import { record } from '../../support/clients';
import { tick } from '../../support/scripted-link';
import { ScriptedSocket } from '../../support/scripted-socket';
import { VirtualClock } from '../../support/virtual-clock';

const READ = 1_000_000;

/**
 * A line in virtual time, whose requests note when they end, and count how often they are looked at.
 * @param retry what becomes of those that fail
 */
function setUp(retry: RetryPolicy = () => false, autoPipeline = false) {
  const clock = new VirtualClock();
  const line = new Line({
    autoPipeline,
    pipelineDepth: 1_000,
    writeBufferSize: 65_536,
    readTimeout: READ,
    writeTimeout: READ,
    blockingGrace: 100,
    reconnectOnError: () => false,
    clock,
    connectTimeout: 1_000,
    lastError: () => undefined,
    carriesMessages: false,
  });
  let looks = 0;
  const make = (commandTimeout: number, command: Command = get('k')) => {
    const state = {
      submitted: clock.now(),
      limit: commandTimeout,
      ended: undefined as number | undefined,
      left: false,
      value: false,
      error: undefined as Error | undefined,
      whenEnded: () => undefined as unknown,
    };
    const end = () => {
      // Once. Hundreds of thousands end: a comparison costs less than `expect`.
      if (state.ended !== undefined) expect(state.ended).toBeUndefined();
      state.ended = clock.now();
      state.whenEnded();
    };
    const request = new Request<unknown>(
      command,
      { ...plainContext, commandTimeout, retry },
      {
        get closed() {
          looks++;
          return state.left || state.ended !== undefined;
        },
        next: () => (state.value = true),
        error: (error) => {
          state.error = error;
          end();
        },
        complete: end,
        add: () => undefined,
      },
    );
    return { request, state };
  };
  const submit = (limit: number, command?: Command) => {
    const { request, state } = make(limit, command);
    line.requests$.next(request);
    return state;
  };
  const link = () => {
    const socket = new ScriptedSocket();
    record(line.connect(socket).serve());
    line.open();
    return socket;
  };
  return { clock, line, make, submit, link, looks: () => looks };
}

describe('Deadlines', () => {
  it('end a request in time behind others that have left and are dropped between two looks', () => {
    const { clock, line, submit } = setUp();
    for (let n = 0; n < 10; n++) submit(100).left = true;
    const waiting = Array.from({ length: 10 }, () => submit(200));
    clock.advance(150); // those that have left were looked at, and dealt with
    record(line.drained()); // drops them
    clock.advance(60);
    expect(waiting.map(({ ended }) => ended)).toStrictEqual(Array(10).fill(200));
  });

  it('end of many in the queue those alone whose time is up, though one that has left is due as well', () => {
    const { clock, line, submit } = setUp();
    submit(100).left = true;
    const patient = submit(1_000);
    const hasty = submit(100);
    clock.advance(100);
    expect([hasty.ended, patient.ended, line.queued]).toStrictEqual([100, undefined, 1]);
  });

  it('end a request in time behind one that was submitted when an earlier one had ended', () => {
    const { clock, submit } = setUp();
    submit(100).whenEnded = () => submit(200);
    clock.advance(200);
    const hasty = submit(50);
    clock.advance(60);
    expect(hasty.ended).toBe(250);
  });

  it('end a request in time that has come from another line, with what was left of its time, behind one with more', () => {
    const { clock, line, make } = setUp();
    const [first, patient, hasty] = [100, 1_000, 100].map((left) => {
      const { request, state } = make(5_000);
      request.deadline = left;
      line.requests$.next(request);
      return state;
    });
    clock.advance(100);
    expect([first!.ended, patient!.ended, hasty!.ended]).toStrictEqual([100, undefined, 100]);
  });

  it('end what was not sent before they tell an observer that sends more: nothing goes whose time is up', () => {
    const { clock, submit, link } = setUp(() => 50);
    const socket = link();
    submit(200, incr('k'));
    const inFlight = submit(300);
    socket.receive('-TRYAGAIN later\r\n');
    clock.advance(100); // it is not sent again before the other is answered, and the queue waits behind it
    const late = submit(200, get('late'));
    inFlight.whenEnded = () => submit(1_000, get('next'));
    clock.advance(200);
    expect(late).toMatchObject({ ended: 300, error: { code: 'TIMEOUT', delivery: 'unsent' } });
    const written = socket.writes.join('');
    expect([written.includes('late'), written.includes('next')]).toStrictEqual([false, true]);
  });

  it('give a request back for how long user code holds up its tick, also where one was released behind it', async () => {
    const { clock, line, make, submit } = setUp(undefined, true);
    const held = make(1_000).request;
    line.hold(held, 1_000);
    const patient = submit(100);
    line.release([held]);
    clock.advance(80);
    await tick();
    clock.advance(99);
    expect(patient.ended).toBeUndefined();
    clock.advance(1);
    expect(patient.ended).toBe(180);
  });

  it('end a refused request in time behind later ones that have passed it', () => {
    const { clock, submit, link } = setUp(() => 50);
    const socket = link();
    const refused = submit(1_000);
    clock.advance(100);
    submit(1_000);
    socket.receive('-TRYAGAIN later\r\n');
    clock.advance(900);
    expect(refused.ended).toBe(1_000);
  });

  it('end a refused request in time behind one that blocks and what waits for that', () => {
    const { clock, submit, link } = setUp(() => 50);
    const socket = link();
    const refused = submit(1_000);
    clock.advance(100);
    submit(Infinity, blpop('list', 0));
    submit(1_000);
    socket.receive('-BUSY later\r\n');
    clock.advance(900);
    expect(refused.ended).toBe(1_000);
  });

  it('end each request once and in time, whatever the limits, who leaves, and what becomes of links', () => {
    const limits = fc.constantFrom([50], [50, Infinity], [20, 50, 50, 50, 300, Infinity]);
    const stepWith = (limit: fc.Arbitrary<number>) =>
      fc.oneof(
        { weight: 8, arbitrary: fc.record({ kind: fc.constant('submit' as const), limit }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('hold' as const), limit }) },
        { weight: 3, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat(100) }) },
        {
          weight: 5,
          arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 40 }) }),
        },
        {
          weight: 2,
          arbitrary: fc.record({ kind: fc.constantFrom('drop' as const, 'link' as const, 'lose' as const) }),
        },
        {
          weight: 2,
          arbitrary: fc.record({ kind: fc.constant('answer' as const), count: fc.integer({ min: 1, max: 5 }) }),
        },
        {
          weight: 2,
          arbitrary: fc.record({ kind: fc.constant('refuse' as const), word: fc.constantFrom('TRYAGAIN', 'BUSY') }),
        },
      );
    const steps = limits.chain((some) => fc.array(stepWith(fc.constantFrom(...some)), { maxLength: 120 }));
    fc.assert(
      fc.property(steps, (steps) => {
        const { clock, line, make, submit, link } = setUp(() => 5);
        const all: ReturnType<typeof submit>[] = [];
        let socket: ScriptedSocket | undefined;
        for (const step of steps) {
          if (step.kind === 'submit') all.push(submit(step.limit));
          if (step.kind === 'hold') {
            const { request, state } = make(step.limit);
            all.push(state);
            line.hold(request, 35);
          }
          if (step.kind === 'leave' && all.length > 0) all[step.which % all.length]!.left = true;
          if (step.kind === 'advance') clock.advance(step.ms);
          if (step.kind === 'drop' && socket === undefined) line.drained().subscribe().unsubscribe();
          if (step.kind === 'link') socket ??= link();
          if (step.kind === 'lose' && socket !== undefined) {
            socket.bytes$.error(new ConnectionError('gone'));
            socket = undefined;
          }
          if (step.kind === 'answer') {
            const owed = line.link?.owed.length ?? 0;
            if (owed > 0) socket!.receive('+v\r\n'.repeat(Math.min(owed, step.count)));
          }
          if (step.kind === 'refuse' && (line.link?.owed.length ?? 0) > 0) socket!.receive(`-${step.word} later\r\n`);
        }
        clock.advance(2_000);
        const stayed = all.filter(({ left, limit }) => !left && limit !== Infinity);
        // Deadlines that are close are dealt with at once.
        const isInTime = ({ submitted, limit, ended }: (typeof all)[number]) => ended! - submitted <= limit + 7;
        expect(stayed.filter((state) => state.ended === undefined || !isInTime(state))).toStrictEqual([]);
        const timedOut = all.filter(({ error }) => error instanceof TimeoutError);
        expect(timedOut.filter(({ submitted, limit, ended }) => ended! - submitted < limit)).toStrictEqual([]);
        expect(line.queued).toBeLessThanOrEqual(
          all.filter(({ limit, ended, left }) => (limit === Infinity && ended === undefined) || left).length,
        );
      }),
      { numRuns: 2_000 },
    );
  });

  describe('look at each request a constant number of times', () => {
    /** So many requests enter over some time and end at their times: looks for each. */
    const looksFor = (count: number, limits: readonly number[], linked: boolean) => {
      const { clock, submit, link, looks } = setUp();
      if (linked) link().accepts = true;
      const states = [];
      const perMs = count / 500;
      for (let ms = 0; ms < 500; ms++) {
        for (let n = 0; n < perMs; n++) states.push(submit(limits[n % limits.length]!));
        clock.advance(1);
      }
      const before = looks();
      clock.advance(5_000);
      expect(states.every(({ ended }) => ended !== undefined)).toBe(true);
      return (looks() - before) / count;
    };

    it.each([
      ['that waits to be sent', false],
      ['that waits for its reply', true],
    ])('%s, where all have the same limit', (_title, linked) => {
      expect(looksFor(20_000, [1_000], linked)).toBeLessThan(8);
      expect(looksFor(4_000, [1_000], linked)).toBeLessThan(8);
    });

    it.each([
      ['that waits to be sent', false],
      ['that waits for its reply', true],
    ])('%s, also the more there are with different limits', (_title, linked) => {
      const few = looksFor(10_000, [1_000, 3_000], linked);
      expect(looksFor(40_000, [1_000, 3_000], linked)).toBeLessThan(few * 1.2);
    });
  });

  it('tell many whose time is up in slices, and none of them twice', () => {
    const { clock, submit, link, line } = setUp();
    const socket = link();
    const states = Array.from({ length: 5_000 }, () => submit(100));
    clock.advance(100);
    expect(states.every(({ ended }) => ended === 100)).toBe(true);
    socket.receive('+v\r\n'.repeat(5_000));
    expect(states.some(({ value }) => value)).toBe(false);
    expect(line.pending).toBe(0);
  });
});
