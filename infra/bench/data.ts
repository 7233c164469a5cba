/** What the server holds while clients are measured. */
export const KEYS = {
  small: 'bench:small',
  medium: 'bench:medium',
  large: 'bench:large',
  list: 'bench:list',
  hash: 'bench:hash',
  sortedSet: 'bench:sorted-set',
  entries: 'bench:entries',
} as const;
export const SMALL_VALUE = 'x'.repeat(100);
export const MEDIUM_VALUE = 'z'.repeat(10_000);
export const LARGE_VALUE = 'y'.repeat(1024 * 1024);
export const LIST = Array.from({ length: 1000 }, (_, index) => `element:${index}`);
export const HASH = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`field:${index}`, `value:${index}`]));
/** Members by their scores, which are fractions. */
export const SORTED_SET = Array.from({ length: 1000 }, (_, index) => [`member:${index}`, index + 0.5] as const);
/** Entries by their ids, in their order. */
export const ENTRIES = Array.from({ length: 1000 }, (_, index) => [`${index + 1}-0`, ['id', String(index)]] as const);
/** Those that one MGET reads. */
export const MANY = Array.from({ length: 100 }, (_, index) => `bench:many:${index}`);
export const MESSAGE = 'm'.repeat(100);
/** The script that is called for each reply of its rows. */
export const SCRIPT = "return redis.call('GET', KEYS[1])";
/** From the first mention of this key on, the proxy before the server swallows what it gets. */
export const SILENT_KEY = 'bench:silence';

/** Rows that are written, each as a hash. They share few keys, so that the server's memory stays small. */
export const LOADED = { rows: 200_000, pipeline: 1_000 } as const;
export const loadedKey = (row: number): string => `bench:loaded:${row % 10_000}`;

/** As a file would give them. */
export function* rowsOf(count: number): Generator<number> {
  for (let row = 0; row < count; row++) yield row;
}

/** The entries that are consumed: of a stream, by a new group each time. */
export const CONSUMED = { stream: 'bench:stream', entries: 50_000, atOnce: 64 } as const;
/** What handling an entry takes: a turn of the microtasks. */
export const handled = (): Promise<void> => Promise.resolve();

/** The keys that a cache misses, because it has room for half of them when they are read in turn. */
export const MISSED = { keys: 20_000, entries: 10_000 } as const;

/** The keys that are scanned, in a database of their own. */
export const SCANNED = { database: 1, keys: 1_000_000, page: 1_000 } as const;
/** The commands that put them there, unless they are. */
export const fill: readonly (readonly string[])[] = [
  ['SELECT', String(SCANNED.database)],
  [
    'EVAL',
    `if redis.call('DBSIZE') ~= ${SCANNED.keys} then
       for i = 1, ${SCANNED.keys} do redis.call('SET', 'bench:scanned:' .. i, i) end
     end
     return 'OK'`,
    '0',
  ],
];

/** The commands that put it there. */
export const seed: readonly (readonly string[])[] = [
  ['DEL', KEYS.list, KEYS.hash, KEYS.sortedSet, KEYS.entries],
  ['SET', KEYS.small, SMALL_VALUE],
  ['SET', KEYS.medium, MEDIUM_VALUE],
  ['SET', KEYS.large, LARGE_VALUE],
  ['RPUSH', KEYS.list, ...LIST],
  ['HSET', KEYS.hash, ...Object.entries(HASH).flat()],
  ['ZADD', KEYS.sortedSet, ...SORTED_SET.flatMap(([member, score]) => [String(score), member])],
  ...ENTRIES.map(([id, fields]) => ['XADD', KEYS.entries, id, ...fields]),
  ['MSET', ...MANY.flatMap((key) => [key, SMALL_VALUE])],
  ['SCRIPT', 'LOAD', SCRIPT],
  ['DEL', CONSUMED.stream],
  [
    'EVAL',
    `for i = 1, ${CONSUMED.entries} do redis.call('XADD', KEYS[1], i .. '-0', 'id', i, 'data', ARGV[1]) end return 'OK'`,
    '1',
    CONSUMED.stream,
    SMALL_VALUE,
  ],
];
