import { config } from 'rxjs';
import { inArray, pushed, useCarriers } from '../../support/carrier';
import { record } from '../../support/clients';
import { encodeWire, type Wire } from '../../support/encode-frame';
import { tick } from '../../support/scripted-link';

/** What reaches the process of errors that nothing has caught. */
function useUncaught(): unknown[] {
  const uncaught: unknown[] = [];
  beforeEach(() => {
    uncaught.length = 0;
    config.onUnhandledError = (error: unknown) => uncaught.push(error);
  });
  afterEach(() => (config.onUnhandledError = null));
  return uncaught;
}

/** RxJS reports what nothing has caught in a timer. */
const reported = () => new Promise((resolve) => setTimeout(resolve, 0));

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
const NO_TEXT = ['$-1\r\n', ':5\r\n', '*0\r\n', `*1\r\n${bulk('x')}`, '-ERR x\r\n'];
/** Messages and their like, each with a part that is none. */
const malformed = [
  ...NO_TEXT.flatMap((part) => [
    [3, bulk('message') + part + bulk('x')],
    [3, bulk('message') + bulk('a') + part],
    [3, bulk('smessage') + part + bulk('x')],
    [4, bulk('pmessage') + part + bulk('a') + bulk('x')],
    [4, bulk('pmessage') + bulk('b') + part + bulk('x')],
    [4, bulk('pmessage') + bulk('b') + bulk('a') + part],
  ]),
  ...NO_TEXT.slice(1).flatMap((part) =>
    ['subscribe', 'ssubscribe', 'punsubscribe', 'sunsubscribe'].map((kind) => [3, bulk(kind) + part + ':0\r\n']),
  ),
  [3, bulk('sunsubscribe') + bulk('a') + bulk('x')],
  [3, bulk('pmessage') + bulk('b') + bulk('x')],
  [4, bulk('message') + bulk('a') + bulk('x') + bulk('y')],
] as const;

describe('What a server pushes that is no message', () => {
  const { onCarrier } = useCarriers();
  const uncaught = useUncaught();
  const types = { 2: '*', 3: '>' } as const;

  const observed = async (protocol: 2 | 3) => {
    const scripted = await onCarrier({ protocol, reconnect: false });
    const { pubsub, link, connection } = scripted;
    const pattern = record(pubsub.messages('pattern', ['b']));
    const shard = record(pubsub.messages('shard', ['c']));
    await tick();
    for (const [kind, name] of [
      ['psubscribe', 'b'],
      ['ssubscribe', 'c'],
    ] as const)
      link.receive(protocol === 2 ? inArray(kind, name) : pushed(kind, name));
    const errors = record(connection.events$);
    return { ...scripted, pattern, shard, errors };
  };

  it.each([2, 3] as const)('ends the connection in RESP%d, and troubles nothing else', async (protocol) => {
    for (const [parts, rest] of malformed) {
      const { link, first } = await observed(protocol);
      link.receive(`${types[protocol]}${parts}\r\n${rest}`);
      await reported();
      expect([rest, uncaught, link.destroyed]).toStrictEqual([rest, [], true]);
      expect([rest, first.ended]).toMatchObject([rest, { code: 'PROTOCOL' }]);
    }
  });

  it('ends it in RESP3 also where it is shorter than such a push', async () => {
    for (const kind of ['sunsubscribe', 'subscribe', 'message']) {
      const { link, first } = await observed(3);
      link.receive(`>1\r\n${bulk(kind)}`);
      await reported();
      expect([kind, uncaught, first.ended]).toMatchObject([kind, [], { code: 'PROTOCOL' }]);
    }
  });

  it.each([2, 3] as const)(
    'is nothing in RESP%d where it leaves no channel at all, as servers say',
    async (protocol) => {
      const { link, first } = await observed(protocol);
      for (const kind of ['unsubscribe', 'punsubscribe', 'sunsubscribe'])
        link.receive(`${types[protocol]}3\r\n${bulk(kind)}$-1\r\n:0\r\n`);
      link.receive(`${types[protocol]}3\r\n${bulk('message')}${bulk('a')}${bulk('alive')}`);
      await reported();
      expect([uncaught, first.values, first.ended]).toMatchObject([[], [{ data: 'alive' }], undefined] as object);
    },
  );

  it('that names no channel confirms none that is called null', async () => {
    const { pubsub, link } = await observed(3);
    const subscribed = record(pubsub.messages('channel', ['null']));
    await tick();
    link.receive('>3\r\n+subscribe\r\n_\r\n:1\r\n-NOPERM not that one\r\n');
    expect(subscribed.ended).toMatchObject({ kind: 'NOPERM' });
  });
});

describe('Whatever a server pushes', () => {
  const { onCarrier } = useCarriers();
  const uncaught = useUncaught();

  /** The same values on every run. */
  function randomOf(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  const MESSAGES = ['message', 'pmessage', 'smessage'].concat(
    ['', 'p', 's'].flatMap((initial) => [`${initial}subscribe`, `${initial}unsubscribe`]),
  );
  const KINDS = [...MESSAGES, 'monitor', 'invalidate', 'x'];
  const WORDS = ['a', 'b', 'c', '', 'OK', '\ud800', ...KINDS];
  const one = <T>(random: (below: number) => number, from: readonly T[]): T => from[random(from.length)]!;

  function anything(random: (below: number) => number, depth: number): Wire {
    const text = one(random, WORDS);
    const simple: Wire[] = [
      { type: '$', text },
      { type: '$', text },
      { type: '+', text },
      { type: '=', text },
      { type: '-', text: `ERR ${text}` },
      { type: '!', text: `MOVED 1 ${text}` },
      { type: ':', number: random(3) },
      { type: '(', number: 12n },
      { type: ',', double: 1.5 },
      { type: '#', boolean: true },
      { type: '_' },
      { type: '$-1' },
      { type: '*-1' },
    ];
    const type = one(random, ['$', '$', '$', '*', '~', '>', '%', '|'] as const);
    if (depth === 0 || type === '$') return one(random, simple);
    const some = () => Array.from({ length: random(4) }, () => anything(random, depth - 1));
    if (type === '%' || type === '|') return { type, pairs: some().map((item) => [item, anything(random, 0)]) };
    return { type, items: some() };
  }

  /** A push, or in RESP2 an array: mostly what its kind is, and sometimes with anything in place of one of its parts, or without it. */
  function push(random: (below: number) => number, protocol: 2 | 3): Wire {
    // In RESP2 an array of another kind is a reply.
    const kind = one(random, protocol === 2 ? MESSAGES : KINDS);
    const text = (): Wire => ({ type: '$', text: one(random, ['a', 'b', 'c']) });
    const items: Wire[] = [{ type: '$', text: kind }, text()];
    if (kind === 'pmessage') items.push(text());
    items.push(kind.endsWith('scribe') ? { type: ':', number: 1 } : text());
    if (random(8) === 0) {
      const others = random(3) > 0 ? [anything(random, 2)] : [];
      items.splice(random(items.length), 1, ...others);
    }
    return { type: protocol === 2 ? '*' : '>', items };
  }

  it.each([2, 3] as const)('in RESP%d is a message, or nothing, or the end of the connection', async (protocol) => {
    const random = randomOf(protocol);
    let ended = 0;
    for (let round = 0; round < 200; round++) {
      const scripted = await onCarrier({ protocol, reconnect: false });
      const { pubsub, link, first } = scripted;
      record(pubsub.messagesAsBytes('channel', ['a']));
      record(pubsub.messages('pattern', ['b']));
      record(pubsub.messages('shard', ['c']));
      await tick();
      const confirm = protocol === 2 ? inArray : pushed;
      link.receive(confirm('psubscribe', 'b') + confirm('ssubscribe', 'c'));
      const sent: Wire[] = [];
      for (let n = 0; n < 8 && !link.destroyed; n++) {
        const wire = random(40) > 0 ? push(random, protocol) : anything(random, 2);
        sent.push(wire);
        link.bytes$.next(encodeWire(wire));
      }
      const before = first.values.length;
      link.receive(`${protocol === 2 ? '*' : '>'}3\r\n${bulk('message')}${bulk('a')}${bulk('alive')}`);
      if (link.destroyed) {
        ended++;
        expect([sent, first.ended]).toMatchObject([sent, { code: 'PROTOCOL' }]);
      } else expect([sent, first.values.slice(before)]).toMatchObject([sent, [{ data: 'alive' }]]);
      await reported();
      expect([sent, uncaught]).toStrictEqual([sent, []]);
      scripted.connection.destroy();
    }
    expect(ended).toBeGreaterThan(25);
    expect(ended).toBeLessThan(175);
  });
});
