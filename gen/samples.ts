// Calls of every builder, made up from its signatures and options: what specs run through.

import { EMPTY } from './empty';
import type { CommandModel, OptionModel, Parameter } from './model';

/** One call of a builder. */
export interface Sample {
  method: string;
  args: unknown[];
}

/** Values of types that say nothing about what is in them. */
const BY_TYPE: Readonly<Record<string, readonly unknown[]>> = {
  Str: ['text'],
  Arg: ['value'],
  string: ['text'],
  boolean: [true],
  true: [true],
  number: [1],
  'number | bigint': [2, 3n],
  'number | string': [1.5, '-inf'],
  'number | Date': [1_900_000_000, new Date(1_900_000_000_000)],
  'string | number | bigint': ['0', 0],
  'Pairs | PairsOf<T>': [{ first: 'a', second: 2 }, new Map([['first', 'a']]), [['first', 'a']]],
  Pairs: [{ first: 'a' }],
  'readonly BitGet[]': [[{ get: 'u8', offset: 0 }]],
  'readonly BitOperation[]': [
    [{ get: 'u8', offset: '#1' }],
    [
      { incrby: 'i5', offset: 3, by: 1, overflow: 'SAT' },
      { set: 'u4', offset: 0, value: 7 },
      { get: 'u4', offset: 0 },
    ],
  ],
  ExpireConditions: [[], ['NX'], ['XX', 'GT'], [['LT', 'XX']]],
  ScoredMembers: [
    [1, 'a'],
    [
      [1, 'a'],
      ['+inf', 'b'],
    ],
    { a: 1, b: -Infinity },
    new Map([['a', 1.5]]),
  ],
  ZaddConditions: [{ XX: true, GT: true }],
  StreamPositions: [{ 'key:a': '0', 'key:b': '>' }, new Map([['key:a', '0-1']])],
  XreadOptions: [{ COUNT: 1, BLOCK: 10 }],
  XreadgroupOptions: [{ COUNT: 1, BLOCK: 10, CLAIM: 5, NOACK: true }],
  PendingRange: [
    { start: '-', end: '+', count: 10 },
    { start: '-', end: '+', count: 10, consumer: 'c', IDLE: 9 },
  ],
  MigrateOptions: [{ COPY: true, AUTH2: ['user', 'password'] }],
  HelloOptions: [{ AUTH: ['user', 'password'], SETNAME: 'name' }],
  ClientKillFilter: [{ ID: [1, 2], TYPE: 'PUBSUB', SKIPME: false, 'NOT-ID': 3 }],
  HotkeysStartOptions: [{ METRICS: ['CPU', 'NET'], COUNT: 10, SLOTS: [1, 2] }],
  SlotState: ['STABLE', { NODE: 'id' }],
  SlotStatsFilter: [{ SLOTSRANGE: [0, 5] }, { ORDERBY: 'key-count', LIMIT: 1, ORDER: 'ASC' }],
  SlotMigration: [
    {
      SLOTSRANGE: [
        [0, 1],
        [5, 6],
      ],
      NODE: 'id',
    },
  ],
  SlotBounds: [[0, 5]],
  MigrationTask: ['ALL', { ID: 'task' }],
  Vector: [[0.1, 0.2], { FP32: new Uint8Array(8) }],
  VsimQuery: [{ ELE: 'element' }, [0.1, 0.2]],
  VaddOptions: [{ REDUCE: 2, CAS: true, Q8: true, EF: 10, SETATTR: '{}', M: 4 }],
  XaddOptions: [
    { NOMKSTREAM: true, REF: 'ACKED', IDMP: ['p', 'i'], TRIM: { MAXLEN: 10, exact: false, LIMIT: 5 } },
    { TRIM: { MINID: '0' } },
  ],
  VsimOptions: [{ COUNT: 1, EPSILON: 0.5, EF: 5, FILTER: '.a > 1', 'FILTER-EF': 5, TRUTH: true, NOTHREAD: true }],
};

/** Values of types that are written out in the overrides. */
const BY_TEXT: readonly (readonly [pattern: RegExp, values: readonly unknown[]])[] = [
  [/^ZaddConditions & \{ CH/, [{ NX: true, CH: true }]],
  [/^Trim &/, [{ MAXLEN: 10 }, { MINID: '1-1', exact: false, LIMIT: 3, REF: 'DELREF' }]],
  [
    /^GeoQuery & Without/,
    [
      { FROMMEMBER: 'm', BYRADIUS: [1, 'KM'] },
      {
        BYPOLYGON: [
          [0, 0],
          [0, 1],
          [1, 1],
        ],
        COUNT: 1,
        ANY: true,
        ORDER: 'ASC',
      },
    ],
  ],
  [
    /^GeoQuery & GeoWith/,
    [{ FROMLONLAT: [1, 2], BYBOX: [1, 1, 'M'], WITHCOORD: true, WITHDIST: true, WITHHASH: true }],
  ],
  [/^GeoQuery & \{ STOREDIST/, [{ FROMMEMBER: 'm', BYRADIUS: [1, 'KM'], STOREDIST: true }]],
  [/^\{ WITHVALUES: true/, [{ WITHVALUES: true }]],
  [/^\{ WITHSCORES: true/, [{ WITHSCORES: true }]],
  [/^\{ WITH\w+\?/, []],
  [/^\{ FULL/, [{ FULL: true, COUNT: 2 }]],
  [/^\{ TIMEOUT/, [{ TIMEOUT: 10 }]],
  [/^One<\{ MODULE/, [{ MODULE: 'm' }, { ACLCAT: 'read' }, { PATTERN: 'x*' }]],
  [/^XaddOptions & Without<.*'IDMP'/, [{ NOMKSTREAM: true, REF: 'ACKED' }, { TRIM: { MINID: '0' } }]],
  [/^XaddOptions/, BY_TYPE.XaddOptions as readonly unknown[]],
  [/^VsimOptions.*SCORES: true; WITH/, [{ WITHSCORES: true, WITHATTRIBS: true }]],
  [/^VsimOptions.*WITHSCORES: true/, [{ WITHSCORES: true }]],
  [/^VsimOptions.*WITHATTRIBS: true/, [{ WITHATTRIBS: true }]],
  [/^VsimOptions/, BY_TYPE.VsimOptions as readonly unknown[]],
];

/** Parameters of type Arg that hold numbers. */
const NUMERIC = new Set(['increment', 'min', 'max', 'start', 'stop']);

/** Texts with a form of their own, by group and parameter or by command and parameter. */
const FORMS: Readonly<Record<string, string>> = {
  'stream.id': '1-1',
  'stream.ids': '1-1',
  'stream.start': '-',
  'stream.end': '+',
  'stream.lastId': '9-9',
  'stream.LASTID': '1-1',
  'stream.MAXDELETEDID': '0-1',
  'XADD.id': '2-1',
  'XAUTOCLAIM.start': '0',
  'sorted-set.min': '[a',
  'sorted-set.max': '[z',
  'string.IFDEQ': '0123456789abcdef',
  'string.IFDNE': '0123456789abcdef',
  'VRANGE.start': '-',
  'VRANGE.end': '+',
  'ACL CAT.category': 'read',
};

let counter = 0;
let command: CommandModel['facts'];

function key(): string {
  return `key:${++counter}`;
}

/** Values that a parameter, or an option, may have; none when it can only be left out. */
function valuesOf(type: string, name: string): readonly unknown[] {
  if (type === 'Key') return [key()];
  const form = FORMS[`${command.name}.${name}`] ?? FORMS[`${command.group}.${name}`];
  if (form !== undefined && /^(Str|string)$/.test(type)) return [form];
  if (type === 'Arg' && NUMERIC.has(name)) return [1];
  if (name === 'timeout') return [1];
  // Long enough to be there after the spec.
  if (/^(ttl|EX|PX|seconds|milliseconds)$/.test(name) && type === 'number') return [100_000];
  const known = BY_TYPE[type];
  if (known !== undefined) return known;
  const text = BY_TEXT.find(([pattern]) => pattern.test(type));
  if (text !== undefined) return text[1];
  const many = /^(Many|Variadic|Optionals)<(.*)>$/s.exec(type);
  if (many !== null) {
    const inner = many[2] as string;
    const [one] = valuesOf(inner, name);
    const [other] = valuesOf(inner, name);
    return many[1] === 'Optionals' && EMPTY[command.name] === undefined ? [[], [one, other]] : [[one, other]];
  }
  const tuple = /^readonly \[(.*)\]$/s.exec(type);
  if (tuple !== null) {
    return [
      (tuple[1] as string)
        .split(', ')
        .map((part) => valuesOf(part.replace(/^\w+: /, ''), part.split(':')[0] as string)[0]),
    ];
  }
  const literal = /^'([^']*)'/.exec(type);
  if (literal !== null) return [literal[1]];
  throw new Error(`no sample for ${name}: ${type}`);
}

/** Positional arguments for a signature; optional ones only when asked for. */
function positional(parameters: readonly Parameter[], optionals: boolean): unknown[][] {
  let calls: unknown[][] = [[]];
  for (const { name, type, optional, rest } of parameters) {
    if (name === 'options' && isTable(type)) continue;
    if (optional && !optionals) continue;
    const values = valuesOf(type, name);
    if (values.length === 0) continue;
    calls = calls.flatMap((call) =>
      values.map((value) => (rest ? [...call, ...(value as unknown[])] : [...call, value])),
    );
  }
  return calls;
}

/** Whether these are options of a table, which are sampled row by row. */
function isTable(type: string): boolean {
  return /^\w+Options\b/.test(type) && !Object.keys(BY_TYPE).some((known) => type.startsWith(known));
}

function optionSamples({ options, needs }: CommandModel): Record<string, unknown>[] {
  const byName = new Map(options.map((option) => [option.name, option]));
  const valueOf = (option: OptionModel): unknown => valuesOf(option.type, option.name)[0];
  return options.map((option) => {
    const [needed] = needs[option.name] ?? [];
    const other = needed === undefined ? undefined : byName.get(needed);
    return { ...(other ? { [other.name]: valueOf(other) } : {}), [option.name]: valueOf(option) };
  });
}

/** Calls of a builder: each signature without and with what is optional, and with each option. */
export function samplesOf(model: CommandModel): Sample[] {
  counter = 0;
  command = model.facts;
  const { method } = model;
  const calls = model.signatures.flatMap(({ parameters }) => [
    ...positional(parameters, false),
    ...positional(parameters, true),
  ]);
  const [first] = model.signatures;
  const base = positional(first?.parameters ?? [], false)[0] ?? [];
  const withOptions = optionSamples(model).map((options) => [...base, options]);
  const needsOptions = model.facts.constraints?.some(({ atLeast, of }) => atLeast !== undefined && of === undefined);
  const all = needsOptions ? withOptions : [...calls, ...withOptions];
  const seen = new Set<string>();
  return all
    .map((args) => ({ method, args }))
    .filter(({ args }) => {
      const text = JSON.stringify(args, (_, value: unknown) =>
        typeof value === 'bigint' ? `${value}n` : value instanceof Map ? [...value] : value,
      );
      return !seen.has(text) && seen.add(text);
    });
}
