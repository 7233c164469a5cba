import * as resp from './resp';

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1');

/** What a client is told: the bytes that are sent, and what they stand for in canonical form. */
export type WireReply = readonly [text: string, canonical: string];

/** What the server holds since it began. */
export class Keyspace {
  /** How often what changes something ran, by id. */
  private readonly runs = new Map<number, number>();

  /** Runs a command; undefined when there is none of that name. */
  run(protocol: 2 | 3, words: readonly string[], id: number): WireReply | undefined {
    const runs = (this.runs.get(id) ?? 0) + 1;
    this.runs.set(id, runs);
    return replyTo(protocol, words, id, runs);
  }
}

function replyTo(protocol: 2 | 3, words: readonly string[], id: number, runs: number): WireReply | undefined {
  const value = valueOf(id);
  switch (words[0]) {
    case 'GET': {
      const bytes = words[1]!.startsWith('r:') ? ALL_BYTES + value : value;
      return [resp.bulk(bytes), `"${bytes}"`];
    }
    case 'STRLEN':
      return numberReply(id * 1000 + value.length);
    case 'MGET':
      return [resp.array([resp.bulk(value), resp.bulk(value)]), `["${value}","${value}"]`];
    case 'LRANGE': {
      const elements = Array.from({ length: 60 + (id % 80) }, (_, index) => `${id}.${index}`);
      return [resp.array(elements.map(resp.bulk)), `[${elements.map((one) => `"${one}"`).join()}]`];
    }
    case 'HGETALL':
      return [resp.map(protocol, [[resp.bulk('f'), resp.bulk(value)]]), `{"f":"${value}"}`];
    case 'ECHO':
      return [resp.bulk(words[1]!), `"${words[1]!}"`];
    case 'SET':
      if (words[3] === 'GET') return [resp.bulk(`${value}.${runs}`), `"${value}.${runs}"`];
      return [resp.simple(`OK ${id}`), `"OK ${id}"`];
    case 'INCR':
      if (words[1]!.startsWith('m:')) return [resp.bulk('abc'), 'unreadable'];
      return numberReply(id * 1000 + runs);
    case 'SELECT':
      return [resp.simple('OK'), '"OK"'];
    case 'APPEND':
    case 'RPUSH':
    case 'EVAL':
    case 'EVALSHA':
    case 'HSET':
    case 'DEL':
      return numberReply(id * 1000 + runs);
    case 'X.DO': {
      const text = resp.array([resp.integer(runs), resp.array([resp.bulk(value), resp.nothing(protocol)])]);
      return [text, `[${runs},["${value}",null]]`];
    }
    default:
      return undefined;
  }
}

export function numberReply(value: number): WireReply {
  return [resp.integer(value), String(value)];
}

/** What a key held before anybody wrote to it: of no two commands the same. */
export function valueOf(id: number): string {
  const value = `v${id}`;
  switch (id % 7) {
    case 1:
      return resp.toBytes(`${value} €😀`);
    case 2:
      return `${value}\r\n$5\r\n`;
    case 3:
      return `${value}-${'long '.repeat((id % 5) * 40)}`;
    default:
      return value;
  }
}
