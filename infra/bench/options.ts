import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { clientNames, clients, type ClientName } from './clients';
import { groups, workloads, type Group, type Workload } from './workloads';

export interface BenchOptions {
  readonly only: ReadonlySet<Group>;
  readonly clients: ReadonlySet<ClientName>;
  readonly rounds: number;
  /** of one measurement */
  readonly seconds: number;
  /** a row whose profile is wanted, in place of figures */
  readonly profile?: string | undefined;
  /** no figures where the machine does other work */
  readonly quietCheck: boolean;
  /** where the results go as JSON */
  readonly json?: string | undefined;
  /** a folder with a build to measure, in place of a new one */
  readonly dist?: string | undefined;
}

const families = [...new Set(Object.values(clients).map(({ family }) => family))];

export const usage = `npm run bench -- [options]

  --only ${groups.join(',')}
  --clients ${families.join(',')}
  --rounds N     measurements of each kind, in turns; default 5
  --seconds N    length of one measurement; default 0.3
  --profile ROW  tells where the time of one row goes, for each client; ROW is an id: get-100, hgetall, …
  --quiet-check  gives no figures where the floor moves by more than 15 %: the machine does other work
  --json FILE    write the results there as well
  --dist FOLDER  measure the build in that folder; default: build the sources

Ends with 1 when a target is not reached, or ours has failed.
`;

/**
 * Reads the command line.
 * @throws TypeError that names the option and what it takes
 */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: groups.join(',') },
      clients: { type: 'string', default: families.join(',') },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '0.3' },
      profile: { type: 'string' },
      'quiet-check': { type: 'boolean' },
      json: { type: 'string' },
      dist: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  for (const option of ['json', 'quiet-check'] as const) {
    if (values.profile !== undefined && values[option] !== undefined)
      throw new TypeError(`--${option} is for figures, and --profile gives none`);
  }
  const rowIds = workloads(1).flatMap(({ rows }) => rows.map(({ id }) => id));
  const chosen = new Set(list('clients', values.clients, families));
  const options = {
    only: new Set(list('only', values.only, groups)),
    clients: new Set(clientNames.filter((name) => chosen.has(clients[name].family))),
    rounds: Math.ceil(positive('rounds', values.rounds)),
    seconds: positive('seconds', values.seconds),
    profile: values.profile === undefined ? undefined : one('profile', values.profile, rowIds),
    quietCheck: values['quiet-check'] === true,
    json: values.json,
    dist: values.dist === undefined ? undefined : resolve(values.dist),
  };
  if (chosenWorkloads(options).length > 0) return options;
  const what = values.profile === undefined ? `--only ${values.only}` : `--profile ${values.profile}`;
  throw new TypeError(`${what} measures none of --clients ${values.clients}`);
}

/** What is asked for: workloads with those of their rows and clients that were chosen. */
export function chosenWorkloads({ only, clients: chosen, seconds, profile }: Choice): Workload[] {
  return workloads(seconds)
    .map((workload) => ({
      ...workload,
      rows: workload.rows.filter(({ group, id }) => (profile === undefined ? only.has(group) : id === profile)),
      clients: workload.clients.filter((name) => chosen.has(name)),
    }))
    .filter(({ rows, clients: names }) => rows.length > 0 && names.length > 0);
}

type Choice = Pick<BenchOptions, 'only' | 'clients' | 'seconds' | 'profile'>;

function list<T extends string>(option: string, value: string, known: readonly T[]): T[] {
  return value.split(',').map((word) => one(option, word, known));
}

function one<T extends string>(option: string, word: string, known: readonly T[]): T {
  const found = known.find((name) => name === word.trim());
  if (found === undefined) throw new TypeError(`--${option} takes ${known.join(', ')}; got '${word}'`);
  return found;
}

function positive(option: string, value: string): number {
  const number = Number(value);
  if (!(number > 0 && number < Infinity)) throw new TypeError(`--${option} takes a number above 0, got '${value}'`);
  return number;
}
