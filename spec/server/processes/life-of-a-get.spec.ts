import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runChild } from '../../infra/run-child';
import { useServer } from '../../support/server';

/** File → the functions of it that every GET passes. */
type Passed = Readonly<Record<string, readonly string[]>>;

/** They hand the command or its reply on to the next one, in this order; the reply passes the line again. */
const STATIONS = [
  'command-view.ts',
  'commands/reply.ts',
  'connection/connection.ts',
  'connection/line.ts',
  'connection/backlog.ts',
  'connection/outgoing.ts',
  'resp/decoder.ts',
  'connection/incoming.ts',
  'connection/link.ts',
  'commands/request.ts',
];

/** They serve on the way: what keeps, checks, emits, writes and reads. */
const HELPERS = [
  'connection/multicast.ts',
  'commands/command.ts',
  'commands/arguments.ts',
  'commands/replies/values.ts',
  'connection/ring.ts',
  'connection/deadlines.ts',
  'connection/sweep.ts',
  'resp/encoder.ts',
  'resp/strings.ts',
];

/** It makes a reply a Promise. */
const AWAITING = 'commands/awaitable.ts';

describe('A GET, from the call to its reply,', () => {
  const server = useServer();
  let passed: { readonly awaited: Passed; readonly subscribed: Passed };

  beforeAll(async () => {
    const child = runChild(join(__dirname, 'get.child.ts'), [server().url]);
    passed = JSON.parse(await child.nextLine()) as typeof passed;
    expect(await child.exited).toStrictEqual([0, null]);
  });

  /** What is passed is measured: precise coverage counts the calls of each function while GETs are sent in one tick. */
  function expectHandWritten(all: Passed, expected: readonly string[]): void {
    const handWritten = Object.entries(all).filter(([file]) => !file.includes('generated/'));
    // The functions are shown where a file is not expected.
    expect(handWritten.filter(([file]) => !expected.includes(file))).toStrictEqual([]);
    expect(expected.filter((file) => !(file in all))).toStrictEqual([]);
  }

  it('is handed on by ten hand-written files, and served by nine on its way', () => {
    expect(STATIONS).toHaveLength(10);
    expect(HELPERS).toHaveLength(9);
    expectHandWritten(passed.subscribed, [...STATIONS, ...HELPERS]);
  });

  it('passes one file more when it is awaited', () => {
    expectHandWritten(passed.awaited, [...STATIONS, ...HELPERS, AWAITING]);
  });

  it('has all of them named where ARCHITECTURE.md tells its life', () => {
    const architecture = readFileSync(resolve(__dirname, '../../../ARCHITECTURE.md'), 'utf8');
    const [, life = ''] = /^## The life of a GET\n([^]*?)^## /m.exec(architecture) ?? [];
    const named = [...life.matchAll(/`((?:[a-z-]+\/)*[a-z-]+\.ts)`/g)].map(([, file]) => file!);
    expect(named.toSorted()).toStrictEqual([...STATIONS, ...HELPERS, AWAITING].toSorted());
  });
});
