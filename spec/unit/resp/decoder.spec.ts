import { constants } from 'node:buffer';
import { join } from 'node:path';
import fc from 'fast-check';
import { ProtocolError } from '../../../src/errors';
import { Decoder, INCOMPLETE } from '../../../src/resp/decoder';
import { Attribute, ErrorFrame, Push, Unreadable, type Frame } from '../../../src/resp/frames';
import { runChild } from '../../infra/run-child';
import { cut, decodeChunks, decodeInto } from '../../support/cuts';
import { expectLinear } from '../../support/growth';
import { encodeWire, frameOf, type Wire } from '../../support/encode-frame';

const decode = (text: string | Uint8Array) => decodeChunks([typeof text === 'string' ? Buffer.from(text) : text]);

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

const line = fc.string({ unit: 'binary' }).map((text) => text.replace(/[\r\n]/g, ' '));
const scalar: fc.Arbitrary<Wire> = fc.oneof(
  fc.record({ type: fc.constantFrom('+' as const, '-' as const), text: line }),
  fc.record({ type: fc.constantFrom('$' as const, '=' as const, '!' as const), text: fc.string({ unit: 'binary' }) }),
  fc.record({
    type: fc.constant(':' as const),
    number: fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  }),
  fc.record({ type: fc.constant('(' as const), number: fc.bigInt() }),
  fc.record({ type: fc.constant(',' as const), double: fc.double() }),
  fc.record({ type: fc.constant('#' as const), boolean: fc.boolean() }),
  fc.record({ type: fc.constantFrom('_' as const, '$-1' as const, '*-1' as const) }),
);
const { wire } = fc.letrec<{ wire: Wire }>((tie) => ({
  wire: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.record({
      type: fc.constantFrom('*' as const, '~' as const),
      items: fc.array(tie('wire'), { maxLength: 6 }),
      attributes: fc.option(scalar, { nil: undefined }),
    }),
    fc.record({ type: fc.constant('%' as const), pairs: fc.array(fc.tuple(scalar, tie('wire')), { maxLength: 6 }) }),
  ),
}));
const push = fc
  .array(wire, { maxLength: 4 })
  .map((items): Wire => ({ type: '>', items: [{ type: '$', text: 'invalidate' }, ...items] }));
const attribute = fc.array(fc.tuple(scalar, wire), { maxLength: 3 }).map((pairs): Wire => ({ type: '|', pairs }));
const stream = fc.array(fc.oneof(wire, push, attribute), { minLength: 1, maxLength: 5 });
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

describe('Decoder', () => {
  it.each([
    ['+OK\r\n', 'OK'],
    ['+O\r\n', 'O'],
    ['+OKAY\r\n', 'OKAY'],
    ['+QUEUED\r\n', 'QUEUED'],
    ['-OK\r\n', new ErrorFrame('OK')],
    ['+\r\n', ''],
    [':0\r\n', 0],
    [':-0\r\n', 0],
    [':-42\r\n', -42],
    ['$0\r\n\r\n', ''],
    ['$-1\r\n', null],
    ['*-1\r\n', null],
    ['*0\r\n', []],
    ['_\r\n', null],
    ['#t\r\n', true],
    ['#f\r\n', false],
    [',1.5\r\n', 1.5],
    [',10\r\n', 10],
    [',1e-7\r\n', 1e-7],
    [',inf\r\n', Infinity],
    [',-inf\r\n', -Infinity],
    [',nan\r\n', NaN],
    [',-nan\r\n', NaN],
    [',nan(0x1)\r\n', NaN],
    [',-NaN()\r\n', NaN],
    ['(3492890328409238509324850943850943825024385\r\n', 3492890328409238509324850943850943825024385n],
    ['=7\r\ntxt:abc\r\n', 'abc'],
    ['~2\r\n:1\r\n:1\r\n', [1, 1]],
    ['$8\r\na\r\nb\0\u00e9!\r\n', 'a\r\nb\0\u00e9!'],
  ])('reads %j', (text, frame) => {
    expect(decode(text)).toStrictEqual([frame]);
  });

  it('reads doubles in an array as JavaScript does, however many digits they have and wherever they are cut', () => {
    const digits = fc.stringMatching(/^-?\d{1,12}(\.\d{0,12})?$/);
    const double = fc.oneof(digits, fc.double({ noNaN: true, noDefaultInfinity: true }).map(String));
    fc.assert(
      fc.property(fc.array(double, { minLength: 1, maxLength: 5 }), sizes, (texts, at) => {
        const wire = Buffer.from(`*${texts.length}\r\n${texts.map((text) => `,${text}\r\n`).join('')}`);
        const expected = [texts.map(Number)];
        expect(decodeChunks([wire])).toStrictEqual(expected);
        expect(decodeChunks(cut(wire, at))).toStrictEqual(expected);
      }),
    );
    expect(() => decode('*1\r\n,1\n\r\n')).toThrow(ProtocolError);
    expect(decode('*2\r\n,1.2.3\r\n:1\r\n')).toMatchObject([{ text: expect.stringContaining('1.2.3') as string }]);
  });

  it('keeps errors apart from strings and knows their kind', () => {
    const [simple, bulk, shouted] = decode('-WRONGTYPE not a list\r\n!8\r\nERR a\r\nb\r\n-Oops\r\n') as ErrorFrame[];
    expect(simple).toStrictEqual(new ErrorFrame('WRONGTYPE not a list'));
    expect([simple?.kind, bulk?.kind, shouted?.kind]).toStrictEqual(['WRONGTYPE', 'ERR', 'ERR']);
    expect(bulk?.text).toBe('ERR a\r\nb');
    const [endless] = decode(`-${'X'.repeat(1_000_000)}\r\n`) as ErrorFrame[];
    expect(endless?.kind).toBe('ERR');
  });

  it('delivers integers beyond 2^53 as bigint and never rounds', () => {
    expect(
      decode(':9007199254740991\r\n:9007199254740992\r\n:-9223372036854775808\r\n:-9007199254740991\r\n'),
    ).toStrictEqual([9007199254740991, 9007199254740992n, -9223372036854775808n, -9007199254740991]);
  });

  it('reads integers that say they are positive, wherever they are cut', () => {
    const wire = Buffer.from(':+5\r\n:+0\r\n*1\r\n:+9007199254740991\r\n:+9007199254740992\r\n');
    for (const size of [1, 2, 3, wire.length]) {
      expect(decodeChunks(cut(wire, [size]))).toStrictEqual([5, 0, [9007199254740991], 9007199254740992n]);
    }
  });

  it('reads a map with keys that would pollute a prototype', () => {
    const [map] = decode('%2\r\n$9\r\n__proto__\r\n$1\r\nx\r\n$11\r\nconstructor\r\n:1\r\n');
    expect(map).toStrictEqual(
      new Map<string, unknown>([
        ['__proto__', 'x'],
        ['constructor', 1],
      ]),
    );
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it('emits an attribute before its reply and drops one inside a reply', () => {
    expect(decode('|1\r\n+ttl\r\n:9\r\n*2\r\n:1\r\n|1\r\n+a\r\n+b\r\n:2\r\n')).toStrictEqual([
      new Attribute(new Map([['ttl', 9]])),
      [1, 2],
    ]);
  });

  it('hands out a message that comes in the middle of a reply ahead of the reply, of which it is no part', () => {
    const reply = '*2\r\n>2\r\n+invalidate\r\n*1\r\n+k\r\n+OK\r\n>3\r\n+message\r\n+c\r\n+m\r\n:2\r\n';
    const frames = [new Push(['invalidate', ['k']]), new Push(['message', 'c', 'm']), ['OK', 2]];
    expect(decode(reply)).toStrictEqual(frames);
    expect(decodeChunks(cut(Buffer.from(reply), [1]))).toStrictEqual(frames);
  });

  it.each(['message', 'smessage', 'pmessage', 'subscribe', 'messages'])(
    'reads a push of the kind %s that lies whole in a chunk as one that is cut anywhere',
    (kind) => {
      const count = kind === 'subscribe' ? ':1\r\n' : '$6\r\né\r\n–\r\n'.replace('$6', '$7');
      const between = kind === 'pmessage' ? '$2\r\nc*\r\n' : '';
      const text = `>${kind === 'pmessage' ? 4 : 3}\r\n$${kind.length}\r\n${kind}\r\n${between}$4\r\ncafé\r\n${count}`;
      const bytes = Buffer.from(text.replace('$4\r\ncafé', '$5\r\ncafé'));
      const whole = decodeChunks([Buffer.concat([bytes, bytes])]);
      expect(whole).toHaveLength(2);
      expect((whole[0] as Push).items.slice(-2)).toStrictEqual(['café', kind === 'subscribe' ? 1 : 'é\r\n–']);
      for (let at = 1; at < bytes.length; at++)
        expect(decodeChunks([bytes.subarray(0, at), bytes.subarray(at), bytes])).toStrictEqual(whole);
    },
  );

  it.each([
    '>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nmX\n',
    '>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$x\r\nm\r\n',
    '>3\r\n$7\r\nmessage\r\n$1\r\ncX\n$1\r\nm\r\n',
    '>3\r\n$7\r\nmessage\r\n_\r\n$1\r\nm\r\n',
    '>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$-1\r\n',
  ])('refuses the message %j, which lies whole in a chunk', (text) => {
    expect(() => decode(text)).toThrow(ProtocolError);
  });

  it('hands out a push of an unknown kind ahead of the reply that it comes in the middle of, so that no reply is shifted', () => {
    const reply = '*1\r\n>2\r\n+novelty\r\n*1\r\n+x\r\n:1\r\n%1\r\n+k\r\n*1\r\n>1\r\n+novelty\r\n:2\r\n:3\r\n';
    const frames = [new Push(['novelty', ['x']]), [1], new Push(['novelty']), new Map([['k', [2]]]), 3];
    expect(decode(reply)).toStrictEqual(frames);
    expect(decodeChunks(cut(Buffer.from(reply), [1]))).toStrictEqual(frames);
  });

  it.each(['subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe', 'sunsubscribe'])(
    'reads a confirmation that stands inside a reply as an element of it: %s',
    (kind) => {
      const wire = `*2\r\n>3\r\n+${kind}\r\n+c\r\n:1\r\n:2\r\n`;
      expect(decode(wire)).toStrictEqual([[new Push([kind, 'c', 1]), 2]]);
      const asBytes = decodeChunks([Buffer.from(wire)], {}, { reply: () => true, push: () => true });
      expect(asBytes).toStrictEqual([[new Push([kind, 'c', 1]), 2]]);
    },
  );

  it.each(['+', '-'])('reads a line of a megabyte that begins with %s, however it is cut', (type) => {
    const text = 'é'.repeat(500_000);
    const wire = Buffer.from(`${type}${text}\r\n:1\r\n`);
    for (const size of [64 * 1024, 5_000, wire.length - 6, wire.length - 5]) {
      const [first, second] = decodeChunks(cut(wire, [size]));
      expect(first instanceof ErrorFrame ? first.text : first).toBe(text);
      expect(second).toBe(1);
    }
  });

  it('answers with bytes where the request asks for them, and with strings for all else', () => {
    const asked = [true, false, true];
    const frames = decodeChunks(
      [Buffer.from('$2\r\n\xff\x00\r\n$1\r\na\r\n*2\r\n+OK\r\n$1\r\nb\r\n', 'latin1')],
      {},
      {
        reply: () => asked.shift()!,
        push: () => false,
      },
    );
    expect(frames).toStrictEqual([Buffer.from([0xff, 0]), 'a', ['OK', Buffer.from('b')]]);
  });

  it('keeps all 256 byte values', () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const wire = Buffer.concat([Buffer.from('$256\r\n'), all, Buffer.from('\r\n')]);
    for (const size of [1, 7, 300]) {
      expect(decodeChunks(cut(wire, [size]), {}, { reply: () => true, push: () => true })).toStrictEqual([all]);
    }
  });

  it('decodes any stream, cut anywhere, to the values that were encoded', () => {
    fc.assert(
      fc.property(stream, sizes, (wires, sizes) => {
        const bytes = Buffer.concat(wires.map(encodeWire));
        expect(decodeChunks(cut(bytes, sizes))).toStrictEqual(wires.map((wire) => frameOf(wire)));
      }),
      { numRuns: 1500 },
    );
  });

  it('decodes any stream, cut anywhere, to bytes where bytes are asked for', () => {
    const all = { reply: () => true, push: () => true };
    fc.assert(
      fc.property(stream, sizes, (wires, sizes) => {
        const bytes = Buffer.concat(wires.map(encodeWire));
        expect(decodeChunks(cut(bytes, sizes), {}, all)).toStrictEqual(wires.map((wire) => frameOf(wire, true)));
      }),
      { numRuns: 500 },
    );
  });

  it('ends any garbage in frames, a wait for more, or a ProtocolError', () => {
    const alphabet = fc.constantFrom(...'+-:$*_#,(!=%~|>?;.\r\n0123456789tfinax '.split(''));
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(alphabet, { maxLength: 200 }).map((chars) => Buffer.from(chars.join(''))),
      fc.array(fc.oneof(alphabet, fc.constant('\r\n')), { maxLength: 60 }).map((chars) => Buffer.from(chars.join(''))),
    );
    let refused = 0;
    fc.assert(
      fc.property(garbage, sizes, (bytes, sizes) => {
        try {
          decodeChunks(cut(bytes, sizes), { elements: 1000, bulk: 1000 });
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
          refused++;
        }
      }),
      { numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(1000);
  });

  it('says the same of damaged streams however they are cut', () => {
    const outcome = (chunks: Iterable<Uint8Array>) => {
      const frames: Frame[] = [];
      try {
        decodeInto(frames, chunks);
        return { frames: frames.length };
      } catch (error) {
        return { frames: frames.length, error: (error as Error).constructor.name };
      }
    };
    fc.assert(
      fc.property(stream, sizes, fc.nat(), fc.integer({ min: 0, max: 255 }), (wires, sizes, where, byte) => {
        const bytes = Buffer.concat(wires.map(encodeWire));
        bytes[where % bytes.length] = byte;
        const ended = Buffer.concat([bytes, Buffer.from('\r\n')]); // a line may otherwise wait for its end
        expect(outcome(cut(ended, sizes))).toStrictEqual(outcome([ended]));
      }),
      { numRuns: 1500 },
    );
  });

  it.each([
    ['$?\r\n', /Streamed/],
    ['*?\r\n', /Streamed/],
    ['%?\r\n', /Streamed/],
    [';4\r\n', /Streamed/],
    ['.\r\n', /Streamed/],
    ['x\r\n', /No RESP type begins with 'x'/],
    ['\0', /byte 0x00/],
    ['HTTP/1.1 400 Bad Request\r\n', /'H'/],
    [':12a\r\n', /Not a number/],
    [':\r\n', /Not a number/],
    [':+\r\n', /cannot be followed by "\+"/],
    [':+-1\r\n', /cannot be followed by "\+-1"/],
    [':++1\r\n', /cannot be followed by "\+\+1"/],
    [':-+1\r\n', /Not a number/],
    ['$+1\r\na\r\n', /Not a number/],
    [':1\n', /Not a number/],
    ['$-2\r\n', /cannot be -2/],
    ['%-1\r\n', /cannot be -1/],
    ['$3\r\nabcde', /does not end in CRLF/],
    ['#x\r\n', /'#' cannot be followed by "x"/],
    ['_x\r\n', /'_' cannot be followed/],
    ['=2\r\nab\r\n', /verbatim/],
    ['>0\r\n', /push/],
    ['>1\r\n:5\r\n', /push/],
    ['>1\r\n_\r\n', /push/],
    ['>2\r\n*0\r\n+a\r\n', /push/],
    ['>2\r\n$7\r\nmessage\r\n$1\r\nc\r\n', /push/],
    ['>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n:1\r\n', /push/],
    ['>3\r\n$8\r\npmessage\r\n$1\r\np\r\n$1\r\nc\r\n', /push/],
    ['+a\nb\r\n', /CRLF/],
    ['$18446744073709551616\r\n', /exceeds the limit/],
  ])('refuses %j with a ProtocolError', (text, message) => {
    expect(() => decode(text)).toThrow(ProtocolError);
    expect(() => decode(text)).toThrow(message);
    expect(() => decodeChunks(cut(Buffer.from(text), [1]))).toThrow(ProtocolError);
  });

  it.each([
    ['*1\r\n*1\r\n*1\r\n:1\r\n', { depth: 2 }],
    ['$11\r\nhello world\r\n', { bulk: 10 }],
    ['*3\r\n', { elements: 2 }],
    [`+${'x'.repeat(200)}`, { line: 100 }],
    [`+${'x'.repeat(101)}\r\n`, { line: 100 }],
    [`:${'1'.repeat(200)}`, { line: 100 }],
    ['*2\r\n*2\r\n:1\r\n:2\r\n*1\r\n:3\r\n', { elements: 4 }],
    ['*1\r\n%2\r\n', { elements: 4 }],
    ['%2\r\n', { elements: 3 }],
  ])('refuses %j beyond %j', (text, limits) => {
    expect(() => decodeChunks([Buffer.from(text)], limits)).toThrow(/limit/);
    expect(() => decodeChunks(cut(Buffer.from(text), [1]), limits)).toThrow(/limit/);
  });

  it('takes as much as the limits allow, in every frame anew', () => {
    const limits = { line: 4, bulk: 4, depth: 2, elements: 4 };
    const wire = '+abcd\r\n*2\r\n*2\r\n:1234\r\n$4\r\nabcd\r\n_\r\n%2\r\n:1\r\n:2\r\n:3\r\n:4\r\n'.repeat(3);
    for (const size of [1, 2, 3, wire.length]) {
      expect(decodeChunks(cut(Buffer.from(wire), [size]), limits)).toHaveLength(9);
    }
  });

  // Scripts and modules make servers send such big numbers, and what is behind them is in its place.
  it.each([
    ['(abc\r\n', '(', '"abc"'],
    ['(\r\n', '(', '""'],
    ['(1.5\r\n', '(', '"1.5"'],
    [',1,5\r\n', ',', '"1,5"'],
    [',nan(\r\n', ',', '"nan("'],
    [`(${'1'.repeat(20_000)}\r\n`, '(', '20000 characters, a number has at most 16384'],
    [`,${'1'.repeat(20_000)}\r\n`, ',', '20000 characters, a number has at most 16384'],
    ['*3\r\n:1\r\n(abc\r\n:2\r\n', '(', '"abc"'],
    ['*2\r\n*2\r\n:1\r\n~1\r\n(abc\r\n%1\r\n+a\r\n,x\r\n', '(', '"abc"'],
    ['%1\r\n(abc\r\n:1\r\n', '(', '"abc"'],
    ['|1\r\n+a\r\n:1\r\n(abc\r\n', '(', '"abc"'],
  ])('takes %j for a reply that cannot be read, and goes on behind it', (text, type, what) => {
    for (const size of [1, 60, text.length]) {
      const frames = decodeChunks(cut(Buffer.from(`${text}+next\r\n*1\r\n+last\r\n`), [size]));
      const [reply, ...others] = frames.filter((frame) => !(frame instanceof Attribute));
      expect(reply).toBeInstanceOf(Unreadable);
      expect((reply as Unreadable).text).toBe(`'${type}' cannot be followed by ${what}`);
      expect(others).toStrictEqual(['next', ['last']]);
    }
  });

  it('leaves a push a push, and a reply a reply, when what stands in a push or an attribute cannot be read', () => {
    const unread = new Unreadable(`'(' cannot be followed by "x"`);
    expect(decode('>2\r\n+odd\r\n*1\r\n(x\r\n')).toStrictEqual([
      new Push(['odd', new Unreadable(unread.text, [unread])]),
    ]);
    expect(decode('*2\r\n:1\r\n|1\r\n+a\r\n(x\r\n:2\r\n')).toStrictEqual([[1, 2]]);
    expect(decode('*2\r\n:1\r\n>2\r\n+odd\r\n(x\r\n:2\r\n')).toStrictEqual([new Push(['odd', unread]), [1, 2]]);
    expect(() => decode('>1\r\n(x\r\n')).toThrow('A push has no kind');
  });

  it('gives a number that does not end no more room than a line', () => {
    for (const type of ['(', ','])
      expect(() => decodeChunks(cut(Buffer.from(type + '1'.repeat(2_000)), [60]), { line: 1_000 })).toThrow(
        /longer than the limit of 1000 bytes/,
      );
  });

  it.each([`:${'1'.repeat(20_000)}`, `*${'1'.repeat(20_000)}`])(
    'takes no number of 20 000 digits, however long a line may be (%#)',
    (line) => {
      for (const size of [60, 64 * 1024]) {
        expect(() => decodeChunks(cut(Buffer.from(line), [size]))).toThrow(/longer than the limit of 16384 bytes/);
        expect(() => decodeChunks(cut(Buffer.from(`${line}\r\n`), [size]))).toThrow(/the limit of 16384 bytes/);
      }
    },
  );

  it.each(['$', '*', '%', '=', '!'])(
    'shows no more than the beginning of an endless length or count behind %s',
    (type) => {
      for (const digits of [400, 16_000]) {
        for (const sign of ['', '-']) {
          const message = messageOf(() => decode(`${type}${sign}${'9'.repeat(digits)}\r\n`));
          expect(message).toContain('99999…');
          expect(message.length).toBeLessThan(120);
        }
      }
    },
  );

  it('holds as many elements as may be allowed, and refuses at once what would end the process', async () => {
    const child = runChild(join(__dirname, 'elements.child.ts'));
    expect(await child.nextLine()).toBe('67108864');
    expect(await child.exited).toStrictEqual([0, null]);
    expect(() => decode('*134000000\r\n')).toThrow(/exceeds the limit of 33554432/);
    expect(() => decode('*2\r\n*20000000\r\n*20000000\r\n')).toThrow(/more elements than the limit of 33554432/);
  });

  it('says of a text that is too long for the engine that it can be read as bytes, which it can', () => {
    const header = `$${constants.MAX_STRING_LENGTH + 1}\r\n`;
    expect(() => decode(header)).toThrow(/^A length of \d+ exceeds the limit of \d+ of a text: read it as bytes$/);
    const decoder = new Decoder({}, { reply: () => true, push: () => true });
    decoder.push(Buffer.from(header));
    expect(decoder.read()).toBe(INCOMPLETE);
  });

  it('takes no map that a Map cannot hold', () => {
    expect(() => decode('%16777217\r\n')).toThrow(/exceeds the limit of 16777216/);
  });

  it.each<[what: string, wire: (size: number) => string, chunk: number]>([
    ['a double that is none', (size) => `,${'1'.repeat(size)}x\r\n`, 64 * 1024],
    ['a line that comes in many pieces', (size) => `+${'x'.repeat(size * 100)}\r\n`, 50],
    ['an error that comes in many pieces', (size) => `-${'X'.repeat(size * 100)}\r\n`, 50],
    ['many nested arrays', (size) => '*1\r\n'.repeat(size * 10), 4096],
    ['big numbers', (size) => `(${'7'.repeat(500)}\r\n`.repeat(size / 10), 4096],
  ])('takes time in proportion to %s', (_, wireOf, chunk) => {
    const prepare = (size: number) => {
      const chunks = [...cut(Buffer.from(wireOf(size)), [chunk])];
      return () => {
        try {
          decodeChunks(chunks, { depth: Infinity });
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      };
    };
    expectLinear(prepare, 500);
  });

  it('reads a reply a million levels deep without touching the call stack', () => {
    const depth = 1_000_000;
    let [frame] = decodeChunks([Buffer.from('*1\r\n'.repeat(depth) + ':7\r\n')], { depth: depth });
    let levels = 0;
    for (; Array.isArray(frame); levels++) frame = frame[0];
    expect([levels, frame]).toStrictEqual([depth, 7]);
  });

  it('reserves no memory for elements that were only announced', () => {
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 100; i++) decodeChunks([Buffer.from('*33554432\r\n')]);
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6);
  });

  describe('gathers a long text', () => {
    const bulk = (length: number, letter: string) => Buffer.from(`$${length}\r\n${letter.repeat(length)}\r\n`);

    it('in the memory of the one before, also where that was longer, and keeps no more than 4 MB', () => {
      const allocate = jest.spyOn(Buffer, 'allocUnsafeSlow');
      const decoder = new Decoder();
      const take = (length: number) => {
        const bytes = bulk(length, 'x');
        allocate.mockClear();
        for (const chunk of cut(bytes, [50_000])) {
          decoder.push(chunk);
          const frame = decoder.read();
          if (frame !== INCOMPLETE) expect((frame as string).length).toBe(length);
        }
        return allocate.mock.calls.map(([size]) => size);
      };
      take(4_000_000);
      expect([2_000_000, 100_000, 4_000_000].map(take)).toStrictEqual([[], [], []]);
      expect([5_000_000, 5_000_000, 4_000_000].map(take)).toStrictEqual([[5_000_002], [5_000_002], []]);
      allocate.mockRestore();
    });

    it('apart from those that other connections gather at the same time', () => {
      const lengths = fc.array(fc.integer({ min: 60_000, max: 400_000 }), { minLength: 1, maxLength: 4 });
      fc.assert(
        fc.property(fc.array(lengths, { minLength: 2, maxLength: 4 }), (connections) => {
          const readers = connections.map((own, index) => {
            const text = (turn: number) => String.fromCharCode(97 + index * 4 + turn);
            const bytes = Buffer.concat(own.map((length, turn) => bulk(length, text(turn))));
            const wanted = own.map((length, turn) => text(turn).repeat(length));
            return { decoder: new Decoder(), chunks: [...cut(bytes, [30_000, 65_536])], wanted, frames: [] as Frame[] };
          });
          while (readers.some(({ chunks }) => chunks.length > 0)) {
            for (const { decoder, chunks, frames } of readers) {
              const chunk = chunks.shift();
              if (chunk === undefined) continue;
              decoder.push(chunk);
              for (let frame = decoder.read(); frame !== INCOMPLETE; frame = decoder.read()) frames.push(frame);
            }
          }
          for (const { frames, wanted } of readers)
            expect(frames.map((frame, at) => frame === wanted[at])).toStrictEqual(wanted.map(() => true));
        }),
        { numRuns: 30 },
      );
    });

    it('never in memory that bytes were given in', () => {
      const LENGTH = 4_100_000; // more than is kept of what others have read
      let asBytes = true;
      const decoder = new Decoder({}, { reply: () => asBytes, push: () => false });
      const take = (letter: string) => {
        let last: Frame | undefined;
        for (const chunk of cut(bulk(LENGTH, letter), [50_000])) {
          decoder.push(chunk);
          const frame = decoder.read();
          if (frame !== INCOMPLETE) last = frame;
        }
        return last;
      };
      const bytes = take('a') as Buffer;
      asBytes = false;
      expect(take('b') === 'b'.repeat(LENGTH)).toBe(true);
      expect(bytes.equals(Buffer.alloc(LENGTH, 'a'))).toBe(true);
      asBytes = true;
      const others = take('c') as Buffer;
      asBytes = false;
      take('d');
      expect(others.equals(Buffer.alloc(LENGTH, 'c'))).toBe(true);
    });
  });
});
