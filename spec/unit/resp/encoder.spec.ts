import fc from 'fast-check';
import { Encoder, type Encodable } from '../../../src/resp/encoder';
import { decodeChunks } from '../../support/cuts';

const bytesOf = (arg: Encodable) => (arg instanceof Uint8Array ? Buffer.from(arg) : Buffer.from(String(arg)));

/** What a server would read: each request as a list of byte strings. */
function read(chunks: readonly Uint8Array[]) {
  return decodeChunks([Buffer.concat(chunks)], {}, { reply: () => true, push: () => true });
}

function encode(encoder: Encoder, ...args: Encodable[]): Uint8Array[] {
  encoder.add(1, '$3\r\nSET\r\n', args);
  return encoder.take();
}

describe('Encoder', () => {
  it('writes a request as an array of bulk strings', () => {
    const encoder = new Encoder();
    encoder.add(2, '$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n', ['me']);
    expect(Buffer.concat(encoder.take()).toString()).toBe('*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$2\r\nme\r\n');
  });

  it.each(['', 'k', 'é', 'x'.repeat(25), 'x'.repeat(100_000)])(
    'writes a string that stands by itself as the one argument (%#)',
    (text) => {
      const encoder = new Encoder();
      encoder.add(1, '$4\r\nECHO\r\n', text);
      expect(read(encoder.take())).toStrictEqual([['ECHO', text].map((part) => Buffer.from(part))]);
    },
  );

  it.each<[string, Encodable, string]>([
    ['an empty string', '', ''],
    ['a short string', 'abc', 'abc'],
    ['a short string beyond ASCII', 'né', 'né'],
    ['24 units', 'x'.repeat(24), 'x'.repeat(24)],
    ['25 units', 'x'.repeat(25), 'x'.repeat(25)],
    ['text whose byte length has more digits than its unit length', 'é'.repeat(60), 'é'.repeat(60)],
    ['text whose byte length has as many digits', 'é'.repeat(30), 'é'.repeat(30)],
    ['an emoji', '👩‍🚀'.repeat(9), '👩‍🚀'.repeat(9)],
    ['a lone surrogate, as U+FFFD', '\ud800', '\ufffd'],
    ['CRLF and NUL', 'a\r\n\0b', 'a\r\n\0b'],
    ['zero', 0, '0'],
    ['a fraction', -1.5, '-1.5'],
    ['a large double', 1e21, '1000000000000000000000'],
    ['a larger one', -1.5e23, '-150000000000000000000000'],
    ['a small double', 1e-7, '0.0000001'],
    ['a smaller one', -1.25e-10, '-0.000000000125'],
    ['the largest before an exponent', 999999999999999900000, '999999999999999900000'],
    ['the smallest before an exponent', 0.000001, '0.000001'],
    ['minus zero', -0, '0'],
    ['infinity', Infinity, 'inf'],
    ['negative infinity', -Infinity, '-inf'],
    ['a bigint', -(2n ** 63n), '-9223372036854775808'],
    ['bytes', Uint8Array.of(104, 105), 'hi'],
  ])('writes %s', (_, arg, expected) => {
    expect(read(encode(new Encoder(), arg))).toStrictEqual([[Buffer.from('SET'), Buffer.from(expected)]]);
  });

  it('writes every finite number in decimal digits that give it again', () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(double, (number) => {
        const [[, written] = []] = read(encode(new Encoder(), number)) as [[Buffer, Buffer]];
        const text = written!.toString();
        expect(text).toMatch(/^-?\d+(\.\d+)?$/);
        expect(Number(text) + 0).toBe(number + 0);
      }),
      { numRuns: 2000, examples: [[Number.MAX_VALUE], [Number.MIN_VALUE], [Number.MAX_SAFE_INTEGER], [2 ** 70]] },
    );
  });

  it('keeps all 256 byte values', () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(read(encode(new Encoder(), all))).toStrictEqual([[Buffer.from('SET'), Buffer.from(all)]]);
  });

  it('writes any requests so that they read the same, whatever the size of its buffer', () => {
    const arg = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'binary', minLength: 200, maxLength: 900 }),
      fc.uint8Array({ maxLength: 600 }),
      fc.maxSafeInteger(),
      fc.bigInt(),
    );
    const requests = fc.array(fc.array(arg, { maxLength: 8 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(requests, fc.integer({ min: 64, max: 4096 }), fc.boolean(), (requests, size, reusable) => {
        const encoder = new Encoder(size);
        for (let round = 0; round < 2; round++) {
          for (const args of requests) encoder.add(1, '$3\r\nSET\r\n', args);
          const { pending } = encoder;
          const chunks = encoder.take().map((chunk) => Buffer.from(chunk));
          encoder.release(reusable);
          expect(Buffer.concat(chunks).length).toBe(pending);
          expect(encoder.pending).toBe(0);
          expect(read(chunks)).toStrictEqual(requests.map((args) => [Buffer.from('SET'), ...args.map(bytesOf)]));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('lets large bytes travel without copying them', () => {
    const large = Buffer.alloc(100_000, 'x');
    const chunks = encode(new Encoder(), large);
    expect(chunks).toHaveLength(3);
    expect(chunks[1]).toBe(large);
  });

  it('writes over released memory only', () => {
    const encoder = new Encoder();
    const [kept] = encode(encoder, 'first');
    encoder.release(false);
    encode(encoder, 'other');
    expect(Buffer.from(kept!).toString()).toContain('first');
    encoder.release(true);
    const [reused] = encode(encoder, 'third');
    encoder.release(true);
    encode(encoder, 'forth');
    expect(Buffer.from(reused!).toString()).toContain('forth');
  });
});
