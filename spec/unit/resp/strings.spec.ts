import fc from 'fast-check';
import { RecurringString, utf8 } from '../../../src/resp/strings';

describe('utf8', () => {
  it('reads what a Buffer reads, at every length and of every byte', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 40 }).map((s) => Buffer.from(s)),
          fc.uint8Array({ maxLength: 40 }).map((b) => Buffer.from(b)),
        ),
        (bytes) => {
          const framed = Buffer.concat([Buffer.from('é<'), bytes, Buffer.from('>é')]);
          expect(utf8(framed, 3, 3 + bytes.length)).toBe(bytes.toString());
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('utf8, of a text so long that it stands outside the heap', () => {
  // V8 has its text in its own heap up to 0xfbee8 bytes.
  it.each([0xfbee8, 0xfbee9, 2_000_000])('reads what a Buffer reads, of %p bytes', (length) => {
    for (const last of ['x', 'é', '\xff']) {
      const bytes = Buffer.alloc(length, 'x');
      bytes.write(last, length - Buffer.byteLength(last), last === '\xff' ? 'latin1' : 'utf8');
      const framed = Buffer.concat([Buffer.from('é<'), bytes, Buffer.from('>é')]);
      const text = utf8(framed, 3, 3 + length);
      framed.fill('!');
      expect(text === bytes.toString()).toBe(true);
    }
  });
});

describe('RecurringString', () => {
  it('reads what is there, whatever was there before, in memory that is used again and again', () => {
    const name = fc
      .tuple(fc.constantFrom('c', 'd', 'é'), fc.nat({ max: 40 }))
      .map(([char, length]) => char.repeat(length));
    fc.assert(
      fc.property(fc.array(name, { maxLength: 20 }), (names) => {
        const recurring = new RecurringString();
        const memory = Buffer.alloc(100);
        for (const name of names) {
          const length = memory.write(name);
          expect(recurring.read(memory, 0, length)).toBe(name);
        }
      }),
    );
    const recurring = new RecurringString();
    const memory = Buffer.from('c'.repeat(40));
    expect([33, 32, 33, 31].map((length) => recurring.read(memory, 0, length).length)).toStrictEqual([33, 32, 33, 31]);
  });

  it('takes no memory for strings that take turns, as the channels of messages do', () => {
    const recurring = new RecurringString();
    const [one, other] = [Buffer.from('channel:1'), Buffer.from('channel:22')];
    const made = (['from', 'alloc', 'allocUnsafe'] as const).map((name) => jest.spyOn(Buffer, name));
    for (let n = 0; n < 100; n++) {
      expect(recurring.read(one, 0, one.length)).toBe('channel:1');
      expect(recurring.read(other, 0, other.length)).toBe('channel:22');
    }
    const calls = made.map(({ mock }) => mock.calls.length);
    jest.restoreAllMocks();
    expect(calls).toStrictEqual([0, 0, 0]);
  });
});
