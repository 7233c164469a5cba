import { Command, type Replay } from '../../src/commands/command';
import { blpop } from '../../src/commands/generated/builders';
import { Reply } from '../../src/commands/reply';
import type { RedisView } from '../../src/redis-view';
import type { SendItem } from './plan';
import { toBytes } from './resp';
import { LIST } from './write-order';

/** What replies are in RESP as far as a client has to tell one from another: both versions have lists, and maps are lists in RESP2. */
export type Form = 'text' | 'OK' | 'integer' | 'list';

/** A command that the workload knows how to call. Its id stands among the arguments, behind a letter and a colon. */
export interface Call {
  /** as errors name it */
  readonly name: string;
  /** what a repetition does according to the documentation of Redis: on purpose not what the client's facts say */
  readonly replay: Replay;
  /** a replica refuses it */
  readonly writes: boolean;
  readonly send: (view: RedisView, item: SendItem) => Reply<unknown>;
  /** the last word of the request, one character per byte */
  readonly payload?: (item: SendItem) => string;
  /** what its answer is in RESP, if it is no error; anything where its user alone knows */
  readonly gives: Form | undefined;
  /** whether the value is what the surface promises, as far as the text and bytes of it go */
  readonly fits?: (value: unknown, bytes: boolean) => boolean;
}

const SCRIPT = "#!lua\nreturn redis.call('RPUSH', KEYS[1], ARGV[1])";

/** The same command, read by a reader that takes no reply. */
function misread({ surface, command: { spec, args } }: Reply<unknown>): Reply<unknown> {
  const reader = () => {
    throw new TypeError('a colour was expected');
  };
  return Reply.from(surface, new Command(spec, args, reader));
}

const isText = (value: unknown, bytes: boolean) => (bytes ? Buffer.isBuffer(value) : typeof value === 'string');

export const calls = {
  get: {
    name: 'GET',
    gives: 'text',
    replay: 'read',
    writes: false,
    // On the surface for bytes the value is no text at all.
    send: (view, { id, bytes }) => view.get(`${bytes ? 'r' : 'k'}:${id}`),
    fits: isText,
  },
  strlen: {
    name: 'STRLEN',
    gives: 'integer',
    replay: 'read',
    writes: false,
    send: (view, { id }) => view.strlen(`k:${id}`),
  },
  mget: {
    name: 'MGET',
    gives: 'list',
    replay: 'read',
    writes: false,
    send: (view, { id }) => view.mget([`k:${id}`, `k:${id}`]),
    fits: (value, bytes) => Array.isArray(value) && value.every((element) => isText(element, bytes)),
  },
  /** more elements than an array of the decoder has at once: only long groups have it */
  range: {
    name: 'LRANGE',
    gives: 'list',
    replay: 'read',
    writes: false,
    send: (view, { id }) => view.lrange(`l:${id}`, 0, -1),
    fits: (value, bytes) => Array.isArray(value) && value.every((element) => isText(element, bytes)),
  },
  hgetall: {
    name: 'HGETALL',
    gives: 'list',
    replay: 'read',
    writes: false,
    send: (view, { id }) => view.hgetall(`h:${id}`),
  },
  echo: {
    name: 'ECHO',
    gives: 'text',
    replay: 'read',
    writes: false,
    send: (view, item) => view.echo(`e:${item.id}:${filling(item)}`),
    payload: (item) => toBytes(`e:${item.id}:${filling(item)}`),
    fits: isText,
  },
  set: {
    name: 'SET',
    gives: 'OK',
    replay: 'same',
    writes: true,
    send: (view, item) => view.set(`s:${item.id}`, filling(item)),
    payload: (item) => toBytes(filling(item)),
  },
  setBytes: {
    name: 'SET',
    gives: 'OK',
    replay: 'same',
    writes: true,
    send: (view, item) => view.set(`s:${item.id}`, Buffer.from(filling(item))),
    payload: (item) => toBytes(filling(item)),
  },
  hset: {
    name: 'HSET',
    gives: 'integer',
    replay: 'state',
    writes: true,
    send: (view, { id }) => view.hset(`h:${id}`, { a: '1', b: '2' }),
  },
  del: { name: 'DEL', gives: 'integer', replay: 'state', writes: true, send: (view, { id }) => view.del([`d:${id}`]) },
  incr: { name: 'INCR', gives: 'integer', replay: 'no', writes: true, send: (view, { id }) => view.incr(`n:${id}`) },
  append: {
    name: 'APPEND',
    gives: 'integer',
    replay: 'no',
    writes: true,
    send: (view, item) => view.append(`a:${item.id}`, filling(item)),
    payload: (item) => toBytes(filling(item)),
  },
  push: {
    name: 'RPUSH',
    gives: 'integer',
    replay: 'no',
    writes: true,
    send: (view, { id }) => view.rpush(LIST, `q:${id}`),
  },
  /** a script that pushes to the same list, and says that it writes */
  script: {
    name: 'EVALSHA',
    gives: 'integer',
    replay: 'no',
    writes: true,
    send: (view, { id }) => view.evalshaOrEval(SCRIPT, LIST, `q:${id}`),
  },
  swap: {
    name: 'SET',
    gives: 'text',
    replay: 'no',
    writes: true,
    send: (view, { id }) => view.set(`s:${id}`, 'new', { GET: true }),
    fits: isText,
  },
  unknown: {
    name: 'X.DO',
    gives: undefined,
    replay: 'no',
    writes: true,
    send: (view, { id }) => view.call('x.do', `x:${id}`),
  },
  publish: {
    name: 'PUBLISH',
    gives: 'integer',
    replay: 'no',
    writes: false,
    send: (view, { id }) => view.publish('news', `p:${id}`),
  },
  /** the database that has the number of its id */
  select: { name: 'SELECT', gives: 'OK', replay: 'same', writes: false, send: (view, { id }) => view.select(id) },
  /** one that waits on the shared connection, as WAIT does there: a client has BLPOP go elsewhere */
  blpop: {
    name: 'BLPOP',
    gives: 'list',
    replay: 'no',
    writes: true,
    send: (view, { id, wait }) => Reply.from(view.ping().surface, blpop(`b:${id}`, wait / 1000)),
  },
  /** the server has a set where a string was expected */
  wrongtype: { name: 'GET', gives: 'text', replay: 'read', writes: false, send: (view, { id }) => view.get(`w:${id}`) },
  /** a user's own reader does not like what the server answers */
  misread: {
    name: 'INCR',
    gives: undefined,
    replay: 'no',
    writes: true,
    send: (view, { id }) => misread(view.incr(`m:${id}`)),
  },
  /** bytes that the user has handed over to another thread meanwhile cannot be read any more */
  unencodable: {
    name: 'SET',
    gives: 'OK',
    replay: 'same',
    writes: true,
    send: (view, { id }) => view.set(`u:${id}`, transferred()),
  },
} satisfies Record<string, Call>;

export type CallName = keyof typeof calls;

function transferred(): Buffer {
  const bytes = Buffer.from(new ArrayBuffer(8));
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

/** As many characters as the plan wants, some of them of several bytes. */
function filling({ id, size }: SendItem): string {
  return `${id}€\r\n`.repeat(Math.ceil(size / 5)).slice(0, size);
}

/** A value as text, the same whether it came as string or bytes. One character per byte. */
export function canonical(value: unknown): string {
  if (typeof value === 'string') return `"${toBytes(value)}"`;
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('latin1')}"`;
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (value instanceof Map) return `{${[...value].map((pair) => pair.map(canonical).join(':')).join()}}`;
  if (value instanceof Error) return `!${value.message}`;
  if (typeof value === 'object' && value !== null) return canonical(new Map(Object.entries(value)));
  return String(value);
}
