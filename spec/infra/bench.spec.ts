import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { BenchClient } from '../../infra/bench/clients/client';
import { prepareLatency } from '../../infra/bench/jobs/latency';
import { parseOptions } from '../../infra/bench/options';
import { assertQuiet, whileQuiet } from '../../infra/bench/quiet';
import { noResults, type RowResults } from '../../infra/bench/results';
import { median, ratio, spread } from '../../infra/bench/statistics';
import { formatSummary, formatTable } from '../../infra/bench/table';
import { judge, judgeMarks, marks, targets } from '../../infra/bench/targets';
import { workloads, type Row } from '../../infra/bench/workloads';

const run = promisify(execFile);
const repository = resolve(__dirname, '../..');

/** A build and dozens of processes, none of which may be silent for long: the bench sees to that; ms. */
const HANGS_AFTER = 1_800_000;

interface Report {
  readonly rows: readonly (Row & { values: Record<string, number[]>; failures: Record<string, string> })[];
  readonly targets: readonly { reached: boolean; text: string }[];
  readonly marks: readonly { reached: boolean; text: string }[];
}

/** What `run` gives where a process ends with an error. */
interface Ended {
  readonly code?: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('npm run bench', () => {
  it(
    'measures ours and the floor in every row, without the peers',
    async () => {
      const report = await bench('--rounds', '1', '--seconds', '0.01', '--clients', 'ours,floor');
      const expected = workloads(1).flatMap(({ rows }) => rows.map(({ id }) => id));
      expect(report.rows.map(({ id }) => id)).toEqual(expected);
      for (const { id, failures, values } of report.rows) {
        expect(failures).toEqual({});
        expect(Object.keys(values)).toContain(id === 'lease' ? 'ours, dedicated' : 'ours, firstValueFrom');
        for (const measured of Object.values(values)) expect(measured).toEqual([expect.any(Number)]);
      }
      const { values } = report.rows.find(({ id }) => id === 'allocation')!;
      expect(values['ours, firstValueFrom']![0]).toBeGreaterThan(2 * values['floor']![0]!);
      expect(report.marks.map(({ text }) => text)).toContainEqual(expect.stringContaining('Messages of 100 bytes'));
    },
    HANGS_AFTER,
  );

  it(
    'measures messages at a server as it comes, whose output limits stand',
    async () => {
      const { rows } = await bench('--only', 'pubsub', '--clients', 'ours,floor', '--rounds', '1', '--seconds', '0.5');
      expect(rows.map(({ id, failures }) => [id, failures])).toEqual([
        ['cpu-pubsub', {}],
        ['pubsub', {}],
      ]);
    },
    HANGS_AFTER,
  );

  it('starts a server as it comes: no part of it changes a setting', async () => {
    const folder = join(repository, 'infra/bench');
    const files = await readdir(folder, { recursive: true });
    // The peers may be installed below it.
    const names = files.filter((name) => name.endsWith('.ts') && !name.includes('node_modules'));
    const starts: string[] = [];
    for (const name of names) {
      const text = await readFile(join(folder, name), 'utf8');
      expect(`${name}: ${/config.?set|client-output-buffer-limit/i.exec(text)?.[0]}`).toBe(`${name}: undefined`);
      starts.push(...(text.match(/startServer\([^)]*\)/g) ?? []));
    }
    expect(starts).toStrictEqual(['startServer({ own: true })']);
  });

  it('measures nothing where the results could not be written', async () => {
    const args = ['tsx', 'infra/bench/index.ts', '--json', join(tmpdir(), 'no such folder', 'report.json')];
    const ended = (await run('npx', args, { cwd: repository }).catch((error: unknown) => error)) as Ended;
    expect([ended.code, ended.stdout]).toEqual([1, '']);
    expect(ended.stderr).toMatch(/^--json takes a file that can be written: ENOENT.*\n\nnpm run bench/);
  });

  it('reports a client that fails and measures the others', async () => {
    const nothing = await mkdtemp(join(tmpdir(), 'bench-nothing-'));
    try {
      const options = ['--only', 'start-up', '--clients', 'ours,floor', '--rounds', '1', '--dist', nothing];
      const { rows, targets: verdicts } = await bench(...options);
      expect(rows[0]!.failures).toEqual({ 'ours, firstValueFrom': expect.stringContaining('index.cjs') as string });
      expect(rows[0]!.values).toEqual({ floor: [expect.any(Number)] });
      expect(verdicts).toEqual([
        { reached: false, text: 'Start of the process to the first reply: ours, firstValueFrom has failed' },
      ]);
    } finally {
      await rm(nothing, { recursive: true });
    }
  });
});

describe('npm run bench -- --profile', () => {
  // A process that receives, one that ends with its measurement, and one that is looked at for its heap.
  it.each([
    ['pubsub', 'ours', /^ours, firstValueFrom: own time of [1-9]\d* samples\n[^]*client\.cjs:\d+$/m],
    ['start-up', 'ours', /^ours, firstValueFrom: own time of [1-9]\d* samples\n[^]*client\.cjs:\d+$/m],
    ['memory', 'ours', /^ours, await: own heap of [1-9]\d* bytes a command\n[^]*client\.cjs:\d+$/m],
    ['allocation', 'floor', /^floor: own heap of [1-9]\d* bytes a command\n +\d+ B {2}\S/m],
  ])(
    'has a table for the row %s',
    async (row, family, table) => {
      const args = ['tsx', 'infra/bench/index.ts', '--profile', row, '--clients', family, '--seconds', '0.01'];
      const { stdout } = await run('npx', args, { cwd: repository });
      expect(stdout).toMatch(table);
    },
    HANGS_AFTER,
  );

  it(
    'tells the own time of functions, most first',
    async () => {
      const args = ['tsx', 'infra/bench/index.ts', '--profile', 'get-100', '--clients', 'floor', '--seconds', '0.1'];
      const { stdout } = await run('npx', args, { cwd: repository });
      const shares = [...stdout.matchAll(/^ +(\d+\.\d) % {2}\S/gm)].map(([, share]) => Number(share));
      expect(stdout).toMatch(/^floor: own time of [1-9]\d* samples$/m);
      expect(shares.length).toBeGreaterThan(3);
      expect(shares).toStrictEqual([...shares].sort((one, other) => other - one));
    },
    HANGS_AFTER,
  );
});

describe('npm run bench -- --quiet-check', () => {
  it.each([
    [[100, 114, 107], undefined],
    [[100, 130, 107], 'The floor moves by 28 %, and at most 15 % is quiet'],
  ])('of a floor of %j', (floor, message) => {
    if (message === undefined) expect(() => assertQuiet(floor)).not.toThrow();
    else expect(() => assertQuiet(floor)).toThrow(message);
  });
});

describe('the machine of the bench', () => {
  const measured = jest.fn(() => Promise.resolve('figures'));
  beforeEach(() => measured.mockClear());

  it('has to be quiet before anything is measured', async () => {
    await expect(whileQuiet(() => Promise.resolve([100, 130, 107]), 5, measured)).rejects.toThrow(
      'at most 15 % is quiet',
    );
    expect(measured).not.toHaveBeenCalled();
  });

  it('has to be quiet afterwards as well, or the figures are not given', async () => {
    const floors = [
      [100, 101],
      [100, 130],
    ];
    await expect(whileQuiet(() => Promise.resolve(floors.shift()!), 5, measured)).rejects.toThrow('is quiet');
    expect(measured).toHaveBeenCalledTimes(1);
    await expect(whileQuiet(() => Promise.resolve([100, 101]), 5, measured)).resolves.toBe('figures');
  });

  it.each([
    [1, 5],
    [9, 9],
  ])('is looked at as often as shows that it moves, where %d rounds are measured', async (rounds, looks) => {
    const floor = jest.fn(() => Promise.resolve([100]));
    await whileQuiet(floor, rounds, measured);
    expect(floor.mock.calls).toEqual([[looks], [looks]]);
  });
});

describe('what the jobs of the bench measure', () => {
  it('latency counts what was due while an earlier reply was slow', async () => {
    let calls = 0;
    const get = async (): Promise<void> => {
      calls++;
      // A client that is busy: everything is late, although each call by itself is quick.
      if (calls % 100 === 50) for (const end = performance.now() + 20; performance.now() < end;);
      await Promise.resolve();
    };
    const client: BenchClient = { run: () => Promise.resolve(), runGroups: () => Promise.resolve(), get };
    const measure = await prepareLatency(client, { kind: 'latency', perSecond: 1_000, seconds: 0.1 });
    const { p50 = 0, p99 = 0 } = await measure();
    expect(p99).toBeGreaterThan(10_000);
    expect(p99).toBeGreaterThan(p50);
  });
});

describe('the marks of the bench', () => {
  it('are told, whether they are reached or not, and are no targets', () => {
    const row: Row = { id: 'hgetall', group: 'replies', title: 'HGETALL', metric: 'x', unit: '/s', better: 'more' };
    const results = measured(row, { 'ours, firstValueFrom': 20, ioredis: 10 });
    expect(judge([results])).toStrictEqual([]);
    expect(judgeMarks([results])).toEqual([
      { reached: false, text: 'HGETALL: 2.00× the fastest peer (ioredis), wanted at least 3×' },
    ]);
    expect(formatSummary([results])).toContain('NOT REACHED  HGETALL');
  });
});

describe('the rows of the bench', () => {
  const all = workloads(1);
  const rowsOf = (wanted: RegExp) => all.filter(({ rows }) => rows.some(({ id }) => wanted.test(id)));

  it('are there for every target and mark, with those that it compares', () => {
    for (const { row, by = 'ours, firstValueFrom', than = [] } of [...targets, ...marks]) {
      const [workload] = rowsOf(new RegExp(`^${row}$`));
      expect(workload?.clients).toEqual(expect.arrayContaining([by, than].flat()));
    }
  });

  it('tell first what a command, a reply or a message takes of the processor', () => {
    for (const { rows } of rowsOf(/^(get|set|lrange|hgetall|zrange|xrange|mget|large|pubsub)(-|$)/))
      expect(rows[0]!.metric).toBe('cpu');
  });

  it("have Bun's own client and ours on Bun beside ours on Node", () => {
    const both = ['ours, firstValueFrom', 'ours on Bun, await', 'Bun, its own client'];
    for (const { clients } of rowsOf(
      /^(get|set|lrange|hgetall|zrange|xrange|mget|getMedium|large|pubsub|latency)(-|$)/,
    ))
      expect(clients).toEqual(expect.arrayContaining(both));
  });
});

describe('the options of the bench', () => {
  it('choose all clients, all rows, five rounds when nothing is said', () => {
    const options = parseOptions([]);
    expect(options).toMatchObject({ rounds: 5, seconds: 0.3, json: undefined, dist: undefined });
    expect(options).toHaveProperty('only.size', 24);
    expect(options).toHaveProperty('clients.size', 24);
  });

  it('choose a client with all ways to use it', () => {
    const { clients } = parseOptions(['--clients', 'ioredis,floor']) as Exclude<
      ReturnType<typeof parseOptions>,
      'help'
    >;
    expect([...clients]).toEqual(['ioredis', 'ioredis, auto-pipelining', 'ioredis, SDK', 'floor']);
  });

  it.each([
    [['--only', 'gett'], /--only takes get, set.*'gett'/],
    [['--clients', 'jedis'], /--clients takes ours.*'jedis'/],
    [['--rounds', '0'], /--rounds takes a number above 0/],
    [['--seconds', 'long'], /--seconds takes a number above 0/],
    [['--profile', 'get-99'], /--profile takes cpu-get-1, get-1, .*'get-99'/],
    [['--profile', 'get-1,get-100'], /--profile takes cpu-get-1, get-1, .*'get-1,get-100'/],
    [['--profile', 'lease', '--clients', 'floor'], /^--profile lease measures none of --clients floor$/],
    [['--profile', 'get-1', '--json', 'a.json'], /^--json is for figures, and --profile gives none$/],
    [['--profile', 'get-1', '--quiet-check'], /^--quiet-check is for figures/],
    [['--only', 'bullmq,load', '--clients', 'floor'], /^--only bullmq,load measures none of --clients floor$/],
  ])('refuse %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});

describe('the statistics of the bench', () => {
  it('take the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  it('say how far values lie apart as a share of the median', () => {
    expect(spread([90, 100, 120])).toBeCloseTo(0.3);
  });

  it('compare round by round, so that noise which both met cancels out', () => {
    expect(ratio([300, 30, 300], [100, 10, 100])).toBe(3);
  });
});

describe('the verdicts of the bench', () => {
  const rate: Row = { id: 'get-100', group: 'get', title: 'GET', metric: 'x', unit: '/s', better: 'more' };
  const memory: Row = { id: 'memory', group: 'memory', title: 'Memory', metric: 'x', unit: 'bytes', better: 'less' };

  it('compare with the fastest peer where more is better, and never with the floor', () => {
    const results = measured(rate, { 'ours, firstValueFrom': 290, ioredis: 50, 'node-redis': 100, floor: 1000 });
    expect(judge([results])).toEqual([{ reached: false, text: expect.stringContaining('2.90×') as string }]);
    expect(formatSummary([results])).toContain(
      'NOT REACHED  GET: 2.90× the fastest peer (node-redis), wanted at least 3×',
    );
  });

  it('compare with the leanest peer where less is better', () => {
    const results = measured(memory, { 'ours, firstValueFrom': 400, ioredis: 1000, 'node-redis': 2000 });
    expect(judge([results])).toEqual([{ reached: true, text: expect.stringContaining('0.400×') as string }]);
  });

  it.each([
    ['beside', 2.99, true],
    ['beside', 3, false],
    ['failover', 2.99, true],
    ['failover', 3, false],
  ])(
    'hold a GET beside messages, or beside a failover, to three times a GET without them: %s %s',
    (id, times, reached) => {
      const beside: Row = { ...memory, id, title: 'Beside', unit: 'times' };
      const results = measured(beside, { 'ours, firstValueFrom': times, ioredis: 5, floor: 1 });
      expect(judge([results])).toEqual([{ reached, text: expect.stringContaining('wanted under 3×') as string }]);
      expect(judge([measured(beside, { ioredis: 5 })])).toEqual([]);
    },
  );

  it.each([
    [1009, true],
    [1011, false],
  ])('hold what features cost a GET that does not use them to less than a hundredth: %d', (bytes, reached) => {
    const allocation: Row = { ...memory, id: 'allocation', title: 'Garbage' };
    const results = measured(allocation, { 'ours, firstValueFrom': 1000, 'ours, beside features': bytes });
    expect(judge([results])).toEqual([{ reached, text: expect.stringContaining('wanted under 1.01×') as string }]);
  });

  it('grant one command in flight what the floor moves by, and only where the floor was measured', () => {
    const one: Row = { ...rate, id: 'get-1' };
    const results = measured(one, { 'ours, firstValueFrom': 93, ioredis: 100 });
    expect(judge([results])[0]).toEqual({
      reached: false,
      text: 'GET: 0.930× the fastest peer (ioredis), wanted at least 1×',
    });
    results.values.set('floor', [100, 108, 104]);
    expect(judge([results])[0]).toEqual({
      reached: true,
      text: 'GET: 0.930× the fastest peer (ioredis), wanted at least 1× within the 8 % that the floor moves by',
    });
  });

  it('compare scores that are objects with peers that give objects', () => {
    const scores: Row = { ...rate, id: 'zrange', group: 'replies', title: 'ZRANGE' };
    const results = measured(scores, {
      'ours, firstValueFrom': 30,
      'node-redis': 10,
      'valkey-glide': 20,
      iovalkey: 40,
    });
    expect(judgeMarks([results]).map(({ text }) => text)).toEqual([
      'ZRANGE: 1.50× the fastest peer of its kind (valkey-glide), wanted at least 2×',
      'ZRANGE: 0.750× iovalkey, wanted at least 1×',
    ]);
  });

  it("stand below what was measured of the processor's time", () => {
    const cpu: Row = {
      ...memory,
      id: 'cpu-get',
      group: 'cpu',
      title: 'Processor time per command, GET',
      metric: 'cpu',
    };
    const results = measured(cpu, { 'ours, await': 0.5, 'ours, firstValueFrom': 0.6, ioredis: 3, floor: 0.25 });
    expect(formatSummary([results]).split('\n').slice(0, 2)).toEqual([
      "Processor's time in µs",
      '  GET: ours, await 0.50 · ours, firstValueFrom 0.60 · ioredis 3.00 · floor 0.25',
    ]);
  });

  it.each([
    [0.82, false],
    [0.84, true],
  ])('hold a GET on an idle lease to five sixths of the rate of a plain one: %s', (times, reached) => {
    const lease: Row = { ...rate, id: 'lease', title: 'Lease', unit: 'times' };
    const [verdict, ...others] = judge([measured(lease, { 'ours, dedicated': times })]);
    expect(verdict).toEqual({ reached, text: expect.stringContaining('wanted at least 0.83×') as string });
    expect(others).toEqual([]);
  });

  it('hold spans without an SDK to a small part, and those with one to what the peers take with theirs', () => {
    const traced: Row = { ...memory, id: 'cpu-traced', group: 'traced', title: 'Spans', unit: 'µs' };
    const values = { 'ours, firstValueFrom': 100, 'ours, no-op tracer': 114, 'ours, SDK': 700 };
    const verdicts = judge([measured(traced, { ...values, 'ioredis, SDK': 900, 'node-redis, SDK': 600 })]);
    expect(verdicts.map(({ reached }) => reached)).toStrictEqual([true, true, false]);
    expect(judge([measured(traced, { ...values, 'ours, no-op tracer': 116 })])).toStrictEqual([
      { reached: false, text: expect.stringContaining('wanted at most 1.15×') as string },
    ]);
  });

  it('are silent about what was not measured', () => {
    expect(judge([measured(rate, { 'ours, firstValueFrom': 290, floor: 1000 })])).toEqual([]);
    expect(formatSummary([])).toBe('');
  });

  it('stand below tables that show median, spread and both ratios', () => {
    const results = measured(rate, { 'ours, firstValueFrom': 1_234_567, ioredis: 400_000, floor: 2_469_134 });
    results.failures.set('node-redis', 'no such package');
    expect(formatTable([results]).split('\n')).toEqual([
      'GET (/s, more is better)',
      '                                  median      spread   best peer       floor',
      '  ours, firstValueFrom         1 234 567         0 %       3.09×       0.50×',
      '  ioredis                        400 000         0 %    the best       0.16×',
      '  node-redis                 failed: no such package',
      '  floor                        2 469 134         0 %       6.17×',
      '',
    ]);
  });
});

function measured(row: Row, values: Readonly<Record<string, number>>): RowResults {
  const results = noResults(row);
  for (const [name, value] of Object.entries(values)) results.values.set(name as never, [value]);
  return results;
}

/** Runs the bench as `npm run bench` does. */
async function bench(...options: readonly string[]): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-spec-'));
  try {
    const json = join(folder, 'report.json');
    const tsx = join(repository, 'node_modules', 'tsx', 'dist', 'cli.mjs');
    const args = [tsx, 'infra/bench/index.ts', ...options, '--json', json];
    const code = await run(process.execPath, args, { cwd: repository }).then(
      () => 0,
      (error: { readonly code?: unknown }) => error.code,
    );
    const report = JSON.parse(await readFile(json, 'utf8')) as Report;
    expect(code).toBe(report.targets.every(({ reached }) => reached) ? 0 : 1);
    return report;
  } finally {
    await rm(folder, { recursive: true });
  }
}
