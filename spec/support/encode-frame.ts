import { Attribute, ErrorFrame, Push, type Frame } from '../../src/resp/frames';

/** RESP types that decode to the same JavaScript value as a simpler one; a spec says which it wants. */
export type Wire =
  | { type: '+' | '$' | '='; text: string }
  | { type: '-' | '!'; text: string }
  | { type: ':'; number: number | bigint }
  | { type: '('; number: bigint }
  | { type: ','; double: number }
  | { type: '#'; boolean: boolean }
  | { type: '_' | '$-1' | '*-1' }
  /** `attributes` go before each item, and are no item */
  | { type: '*' | '~' | '>'; items: Wire[]; attributes?: Wire | undefined }
  | { type: '%' | '|'; pairs: [Wire, Wire][] };

/** The bytes of a value as a server sends it. */
export function encodeWire(wire: Wire): Buffer {
  switch (wire.type) {
    case '+':
    case '-':
      return Buffer.from(`${wire.type}${wire.text}\r\n`);
    case '$':
    case '!':
      return bulk(wire.type, wire.text);
    case '=':
      return bulk('=', `txt:${wire.text}`);
    case ':':
    case '(':
      return Buffer.from(`${wire.type}${wire.number}\r\n`);
    case ',':
      return Buffer.from(`,${formatDouble(wire.double)}\r\n`);
    case '#':
      return Buffer.from(wire.boolean ? '#t\r\n' : '#f\r\n');
    case '_':
      return Buffer.from('_\r\n');
    case '$-1':
    case '*-1':
      return Buffer.from(`${wire.type}\r\n`);
    case '*':
    case '~':
    case '>':
      return Buffer.concat([
        Buffer.from(`${wire.type}${wire.items.length}\r\n`),
        ...wire.items.flatMap((item) => [encodeAttributes(wire.attributes), encodeWire(item)]),
      ]);
    case '%':
    case '|':
      return Buffer.concat([
        Buffer.from(`${wire.type}${wire.pairs.length}\r\n`),
        ...wire.pairs.flatMap(([key, value]) => [encodeWire(key), encodeWire(value)]),
      ]);
  }
}

function encodeAttributes(value: Wire | undefined): Buffer {
  return value === undefined ? Buffer.alloc(0) : encodeWire({ type: '|', pairs: [[{ type: '+', text: 'k' }, value]] });
}

/** What the decoder is to make of it; strings as bytes where they are asked for. */
export function frameOf(wire: Wire, bytes = false): Frame {
  const inner = (wire: Wire) => frameOf(wire, bytes);
  switch (wire.type) {
    case '+':
      return wire.text;
    case '$':
    case '=':
      return bytes ? Buffer.from(wire.text) : wire.text;
    case '-':
    case '!':
      return new ErrorFrame(wire.text);
    case ':':
      return Number.isSafeInteger(Number(wire.number)) ? Number(wire.number) : BigInt(wire.number);
    case '(':
      return wire.number;
    case ',':
      return wire.double;
    case '#':
      return wire.boolean;
    case '_':
    case '$-1':
    case '*-1':
      return null;
    case '*':
    case '~':
      return wire.items.map(inner);
    case '>':
      return new Push(wire.items.map(inner));
    case '%':
      return new Map(wire.pairs.map(([key, value]) => [inner(key), inner(value)]));
    case '|':
      return new Attribute(new Map(wire.pairs.map(([key, value]) => [inner(key), inner(value)])));
  }
}

function bulk(type: string, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from(`${type}${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]);
}

function formatDouble(double: number): string {
  if (Number.isNaN(double)) return 'nan';
  if (!Number.isFinite(double)) return double > 0 ? 'inf' : '-inf';
  return Object.is(double, -0) ? '-0' : String(double);
}
