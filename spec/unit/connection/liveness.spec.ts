import fc from 'fast-check';
import { blpop, call, get } from 'rxjs-redis/commands';
import type { Command } from '../../../src/commands/command';
import { Request } from '../../../src/commands/request';
import { plainContext, type LinkLimits } from '../../../src/commands/request-context';
import { Liveness, type LivenessLimits } from '../../../src/connection/liveness';
import { OwnLimits } from '../../../src/connection/own-limits';
import { Ring } from '../../../src/connection/ring';
import type { TimeoutError } from '../../../src/errors';
import { unobserved } from '../../support/observers';
import { VirtualClock } from '../../support/virtual-clock';

interface Written extends LinkLimits {
  readonly accepted?: boolean;
  readonly deadline?: number;
}

function setUp(given: Partial<LivenessLimits> = {}) {
  const limits = { readTimeout: 100, writeTimeout: 50, blockingGrace: 200, ...given };
  const clock = new VirtualClock();
  const owed = new Ring<Request>();
  let looks = 0;
  const deaths: { at: number; message: string }[] = [];
  const probes: number[] = [];
  const line = {
    owed,
    bytesRead: () => 0,
    reached: () => owed.passed,
    listens: false,
    listening: () => line.listens,
    probe: () => {
      probes.push(clock.now());
      write(call('PING'));
    },
    dead: ({ message }: TimeoutError) => deaths.push({ at: clock.now(), message }),
  };
  const liveness = new Liveness(clock, limits, line);
  const write = (command: Command, { accepted = true, deadline = 0, ...linkLimits }: Written = {}) => {
    const isGranted = Object.keys(linkLimits).length > 0;
    const request = new Request(
      command,
      { ...plainContext, linkLimits: isGranted ? linkLimits : undefined },
      unobserved,
    );
    const { context } = request;
    Object.defineProperty(request, 'context', { get: () => (looks++, context) });
    request.deadline = deadline;
    const from = owed.passed + owed.length;
    owed.push(request);
    if (isGranted) liveness.granted(request);
    liveness.wrote(from, accepted);
  };
  const answer = () => {
    owed.shift();
    liveness.heard(false);
  };
  return { clock, liveness, line, deaths, probes, write, answer, looks: () => looks };
}

const silence = (at: number, limit = 100) => ({
  at,
  message: `The server owed replies and was silent for ${limit} ms`,
});

describe('A link', () => {
  it('is dead when it owes a reply and is silent for readTimeout', () => {
    const { clock, write, deaths } = setUp();
    write(get('k'));
    clock.advance(99);
    expect(deaths).toStrictEqual([]);
    clock.advance(1);
    expect(deaths).toStrictEqual([silence(100)]);
  });

  it('is not dead for being silent when it owes nothing', () => {
    const { clock, write, answer, deaths } = setUp();
    write(get('k'));
    clock.advance(10);
    answer();
    clock.advance(10_000);
    expect(deaths).toStrictEqual([]);
    expect(clock.waiting).toBe(0);
  });

  it('has its whole readTimeout for a reply that it owes after a long rest', () => {
    const { clock, write, answer, deaths } = setUp();
    write(get('k'));
    answer();
    clock.advance(1_000);
    write(get('k'));
    clock.advance(99);
    expect(deaths).toStrictEqual([]);
    clock.advance(1);
    expect(deaths).toStrictEqual([silence(1_100)]);
  });

  it('lives on with every byte it sends, however long a reply takes', () => {
    const { clock, liveness, write, deaths } = setUp();
    write(get('large'));
    for (let n = 0; n < 20; n++) {
      clock.advance(90);
      liveness.heard(true);
    }
    expect(deaths).toStrictEqual([]);
    clock.advance(100);
    expect(deaths).toStrictEqual([silence(20 * 90 + 100)]);
  });

  it('does not live on by being written to', () => {
    const { clock, write, deaths } = setUp();
    for (let n = 0; n < 5; n++) {
      write(get('k'));
      clock.advance(20);
    }
    expect(deaths).toStrictEqual([silence(100)]);
  });

  it('may be silent while a blocking command waits, up to the deadline of that', () => {
    const { clock, write, deaths } = setUp();
    write(blpop('queue', 5), { deadline: 5_200 });
    write(get('k'));
    clock.advance(5_199);
    expect(deaths).toStrictEqual([]);
    clock.advance(1);
    expect(deaths).toStrictEqual([silence(5_200)]);
  });

  it('may be silent for ever while a command blocks for ever', () => {
    const { clock, write, deaths } = setUp();
    write(blpop('queue', 0));
    clock.advance(1e7);
    expect(deaths).toStrictEqual([]);
  });

  it('may be silent for the wait of a blocking command and a grace, where the command itself may take for ever', () => {
    const { clock, write, deaths } = setUp();
    write(blpop('queue', 5));
    clock.advance(5_199);
    expect(deaths).toStrictEqual([]);
    clock.advance(1);
    expect(deaths).toStrictEqual([silence(5_200)]);
  });

  it('has no longer for a blocking command than its wait and a grace, be its deadline later', () => {
    const { clock, write, deaths } = setUp();
    write(blpop('queue', 5), { deadline: 60_000 });
    clock.advance(5_200);
    expect(deaths).toStrictEqual([silence(5_200)]);
  });

  it('has until the deadline for a command that blocks for ever', () => {
    const { clock, write, deaths } = setUp();
    write(blpop('queue', 0), { deadline: 1_000 });
    clock.advance(1_000);
    expect(deaths).toStrictEqual([silence(1_000)]);
  });

  it('has its whole readTimeout once a blocking command is answered', () => {
    const { clock, write, answer, deaths } = setUp();
    write(blpop('queue', 0));
    write(get('k'));
    clock.advance(5_000);
    answer();
    clock.advance(99);
    expect(deaths).toStrictEqual([]);
    clock.advance(1);
    expect(deaths).toStrictEqual([silence(5_100)]);
  });

  it('has the time that is granted to the oldest reply, be it longer or shorter than that of others', () => {
    const patient = setUp();
    patient.write(get('slow'), { readTimeout: 1_000 });
    patient.write(get('k'));
    patient.clock.advance(999);
    expect(patient.deaths).toStrictEqual([]);
    patient.clock.advance(1);
    expect(patient.deaths).toStrictEqual([silence(1_000, 1_000)]);
    const hasty = setUp();
    hasty.write(get('quick'), { readTimeout: 30 });
    hasty.clock.advance(30);
    expect(hasty.deaths).toStrictEqual([silence(30, 30)]);
  });

  it('has the shorter time once the reply with the longer one has come', () => {
    const { clock, write, answer, deaths } = setUp();
    write(get('slow'), { readTimeout: Infinity });
    write(get('quick'), { readTimeout: 30 });
    clock.advance(5_000);
    answer();
    clock.advance(59); // it is looked at every 30 ms
    expect(deaths).toHaveLength(1);
  });

  it('is asked for a sign of life when somebody listens and it is silent, and is dead when it gives none', () => {
    const { clock, write, answer, line, probes, deaths } = setUp();
    line.listens = true;
    write(get('k'));
    clock.advance(10);
    answer();
    clock.advance(99);
    expect(probes).toStrictEqual([]);
    clock.advance(1);
    expect(probes).toStrictEqual([110]);
    answer();
    clock.advance(100);
    expect(probes).toStrictEqual([110, 210]);
    clock.advance(100);
    expect(deaths).toStrictEqual([silence(310)]);
  });

  it('is not asked while it brings messages, nor when nobody listens any more', () => {
    const { clock, write, answer, line, liveness, probes } = setUp();
    line.listens = true;
    write(get('k'));
    answer();
    for (let n = 0; n < 20; n++) {
      clock.advance(90);
      liveness.heard(true);
    }
    line.listens = false;
    clock.advance(10_000);
    expect(probes).toStrictEqual([]);
    expect(clock.waiting).toBe(0);
  });

  it('is dead when its send buffer stays full for writeTimeout', () => {
    const { clock, write, deaths } = setUp();
    write(get('k'), { accepted: false });
    clock.advance(50);
    expect(deaths).toStrictEqual([{ at: 50, message: 'The send buffer did not empty within 50 ms' }]);
  });

  it('has the time to empty its send buffer that the most patient request on it grants', () => {
    const patient = setUp();
    patient.write(get('k'));
    patient.write(get('large'), { accepted: false, writeTimeout: 80 });
    patient.clock.advance(79);
    expect(patient.deaths).toStrictEqual([]);
    patient.clock.advance(1);
    expect(patient.deaths).toStrictEqual([{ at: 80, message: 'The send buffer did not empty within 80 ms' }]);
    const hasty = setUp();
    hasty.write(get('k'), { accepted: false, writeTimeout: 20 });
    hasty.clock.advance(20);
    expect(hasty.deaths).toStrictEqual([{ at: 20, message: 'The send buffer did not empty within 20 ms' }]);
  });

  it('is not dead when its send buffer empties in time', () => {
    const { clock, liveness, write, answer, deaths } = setUp();
    write(get('k'), { accepted: false });
    clock.advance(49);
    liveness.drained();
    answer();
    clock.advance(10_000);
    expect(deaths).toStrictEqual([]);
  });

  it('owes nothing for what is still in a full send buffer, and has its whole readTimeout once that has emptied', () => {
    const { clock, liveness, write, deaths } = setUp({ writeTimeout: 1_000 });
    write(get('k'), { accepted: false });
    clock.advance(900);
    liveness.drained();
    clock.advance(99);
    expect(deaths).toStrictEqual([]);
    clock.advance(1);
    expect(deaths).toStrictEqual([silence(1_000)]);
  });

  it('has its whole readTimeout, too, when it has answered what was sent before while the send buffer was full', () => {
    const { clock, liveness, write, answer, deaths } = setUp({ writeTimeout: 1_000 });
    write(get('k'));
    write(get('large'), { accepted: false });
    clock.advance(90);
    answer();
    clock.advance(510);
    liveness.drained();
    clock.advance(99);
    expect(deaths).toStrictEqual([]);
    clock.advance(1);
    expect(deaths).toStrictEqual([silence(700)]);
  });

  it('is silent also while its send buffer is full, as far as it owes replies to what was sent before', () => {
    const { clock, write, deaths } = setUp({ writeTimeout: 1_000 });
    write(get('k'));
    clock.advance(70);
    write(get('large'), { accepted: false });
    clock.advance(30);
    expect(deaths).toStrictEqual([silence(100)]);
  });

  it('does not live on by taking what it never answers', () => {
    const { clock, liveness, write, deaths } = setUp({ writeTimeout: 1_000 });
    for (let n = 0; n < 3; n++) {
      write(get('large'), { accepted: false });
      clock.advance(90);
      liveness.drained();
    }
    expect(deaths).toStrictEqual([silence(190)]);
  });

  it('does not live on by a send buffer that fills and empties at once', () => {
    const { clock, liveness, write, deaths } = setUp();
    for (let n = 0; n < 5; n++) {
      write(get('large'), { accepted: false });
      liveness.drained();
      clock.advance(20);
    }
    expect(deaths).toStrictEqual([silence(100)]);
  });

  it('is dead when its send buffer stays full, although it goes on bringing messages', () => {
    const { clock, liveness, write, deaths } = setUp();
    write(get('large'), { accepted: false });
    for (let n = 0; n < 5; n++) {
      clock.advance(10);
      liveness.heard(true);
    }
    expect(deaths).toStrictEqual([{ at: 50, message: 'The send buffer did not empty within 50 ms' }]);
  });

  it('is looked at as seldom under a load that never ends, however often its send buffer fills', () => {
    const { clock, liveness, write, answer, deaths } = setUp();
    const schedule = jest.spyOn(clock, 'schedule');
    write(get('k'));
    write(get('k'));
    for (let n = 0; n < 200; n++) {
      write(get('large'), { accepted: false });
      clock.advance(5);
      answer();
      liveness.drained();
      clock.advance(5);
    }
    expect(deaths).toStrictEqual([]);
    expect(schedule.mock.calls.length).toBeLessThan(100);
  });

  it.each([
    ['one in many has a limit of its own', (n: number) => n === 0],
    ['every second has', (n: number) => n % 2 === 0],
    ['all have', () => true],
  ])('is looked at without looking at all that it owes, where %s', (_, isLimited) => {
    const SIZE = 1_000;
    const { clock, liveness, write, looks, deaths } = setUp({ readTimeout: 30_000, writeTimeout: 30_000 });
    write(get('k'));
    for (let n = 0; n < SIZE; n++)
      write(get('k'), isLimited(n) ? { readTimeout: 10 + (n % 7), writeTimeout: 20_000 - n } : {});
    write(get('large'), { accepted: false });
    for (let n = 0; n < 400; n++) {
      clock.advance(5);
      liveness.heard(true);
    }
    expect(deaths).toStrictEqual([]);
    expect(looks() / SIZE).toBeLessThan(10);
  });

  it('has the shortest and the longest time that requests grant which it still owes, whatever they grant', () => {
    const limit = fc.option(fc.constantFrom(10, 20, 40, 80, 160, Infinity), { nil: undefined });
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), readTimeout: limit, writeTimeout: limit }),
      fc.record({ kind: fc.constant('answer' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const own = new OwnLimits();
        const owed: { readonly number: number; readonly read: number; readonly write: number }[] = [];
        let calls = 0;
        for (const step of steps) {
          if (step.kind === 'answer') owed.shift();
          else {
            const { readTimeout: read = 100, writeTimeout: write = 50 } = step;
            owed.push({ number: calls, read, write });
            own.add(calls++, read, write);
          }
          const from = owed[0]?.number ?? calls;
          expect([own.count(from), own.shortestRead(from), own.longestWrite(from)]).toStrictEqual([
            owed.length,
            Math.min(Infinity, ...owed.map(({ read }) => read)),
            Math.max(0, ...owed.map(({ write }) => write)),
          ]);
        }
      }),
    );
  });

  it('is watched no more once it is left', () => {
    const { clock, liveness, write, deaths } = setUp();
    write(get('k'), { accepted: false });
    liveness.stop();
    expect(clock.waiting).toBe(0);
    clock.advance(10_000);
    expect(deaths).toStrictEqual([]);
  });

  it('served until the silence before what comes in one burst: a network may have held it up', () => {
    const { clock, liveness } = setUp();
    clock.advance(10);
    liveness.heard(false);
    expect(liveness.servedUntil).toBe(10);
    clock.advance(5_000);
    liveness.heard(false);
    for (let n = 0; n < 3; n++) {
      clock.advance(20);
      liveness.heard(false);
      expect(liveness.servedUntil).toBe(10);
    }
    clock.advance(60);
    expect(liveness.servedUntil).toBe(5_070);
    liveness.heard(false);
    expect(liveness.servedUntil).toBe(5_070);
    expect(liveness.heardAt).toBe(5_130);
  });

  it('is never dead where there are no limits', () => {
    const { clock, write, deaths } = setUp({ readTimeout: Infinity, writeTimeout: Infinity });
    write(get('k'), { accepted: false });
    clock.advance(1e9);
    expect(deaths).toStrictEqual([]);
  });
});
