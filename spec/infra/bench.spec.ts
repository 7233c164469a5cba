import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { BenchClient } from '../../infra/bench/clients/client';
import { prepareLatency } from '../../infra/bench/jobs/latency';
import { parseOptions } from '../../infra/bench/options';
import { assertQuiet } from '../../infra/bench/quiet';
import { noResults, type RowResults } from '../../infra/bench/results';
import { median, ratio, spread } from '../../infra/bench/statistics';
import { formatSummary, formatTable } from '../../infra/bench/table';
import { judge, judgeMarks } from '../../infra/bench/targets';
import { workloads, type Row } from '../../infra/bench/workloads';

const run = promisify(execFile);
const repository = resolve(__dirname, '../..');

/** A build and dozens of processes, none of which may be silent for long: the bench sees to that; ms. */
const HANGS_AFTER = 1_800_000;

interface Report {
  readonly rows: readonly (Row & { values: Record<string, number[]>; failures: Record<string, string> })[];
  readonly targets: readonly { reached: boolean }[];
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
    },
    HANGS_AFTER,
  );

  it(
    'measures messages at a server as it comes, whose output limits stand',
    async () => {
      const { rows } = await bench('--only', 'pubsub', '--clients', 'ours,floor', '--rounds', '1', '--seconds', '0.5');
      expect(rows.map(({ failures }) => failures)).toEqual([{}]);
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

  it('reports a client that fails and measures the others', async () => {
    const nothing = await mkdtemp(join(tmpdir(), 'bench-nothing-'));
    try {
      const options = ['--only', 'start-up', '--clients', 'ours,floor', '--rounds', '1', '--dist', nothing];
      const { rows } = await bench(...options);
      expect(rows[0]!.failures).toEqual({ 'ours, firstValueFrom': expect.stringContaining('index.cjs') as string });
      expect(rows[0]!.values).toEqual({ floor: [expect.any(Number)] });
    } finally {
      await rm(nothing, { recursive: true });
    }
  });
});

describe('npm run bench -- --profile', () => {
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

describe('the options of the bench', () => {
  it('choose all clients, all rows, five rounds when nothing is said', () => {
    const options = parseOptions([]);
    expect(options).toMatchObject({ rounds: 5, seconds: 0.3, json: undefined, dist: undefined });
    expect(options).toHaveProperty('only.size', 24);
    expect(options).toHaveProperty('clients.size', 23);
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
    [['--profile', 'get-99'], /--profile takes get-1, get-100.*'get-99'/],
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
    [2.99, true],
    [3, false],
  ])('hold a GET beside messages to three times a GET without them, and the peers to nothing: %s', (times, reached) => {
    const beside: Row = { ...memory, id: 'beside', title: 'Beside', unit: 'times' };
    const results = measured(beside, { 'ours, firstValueFrom': times, ioredis: 5, floor: 1 });
    expect(judge([results])).toEqual([{ reached, text: expect.stringContaining('wanted under 3×') as string }]);
    expect(judge([measured(beside, { ioredis: 5 })])).toEqual([]);
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
