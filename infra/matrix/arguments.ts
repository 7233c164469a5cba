import { type ServerName, serverNames } from '../servers';

export interface Matrix {
  readonly servers: readonly ServerName[];
  /** What Jest is told: paths of specs, and options of its own. */
  readonly jest: readonly string[];
}

/** What is wrong with the command line. */
export class UsageError extends Error {}

const ALL_SPECS = 'spec/server';
/** What is the same whatever the server, and long: left out unless it is asked for by its path. */
const LEFT_OUT = ['million-commands', 'spec/server/processes'];

/**
 * Reads `npm run test:matrix [-- [--servers redis-6.0,valkey-9.1] [path …] [option of Jest …]]`: all servers and all of
 * `spec/server` where nothing is said.
 * @throws UsageError for a server that there is none of
 */
export function parseArguments(args: readonly string[]): Matrix {
  const jest: string[] = [];
  let servers: readonly ServerName[] = serverNames;
  for (let at = 0; at < args.length; at++) {
    const [, list] = /^--servers(?:=(.*))?$/s.exec(args[at]!) ?? [];
    if (list !== undefined) servers = serversIn(list);
    else if (args[at] === '--servers') servers = serversIn(args[++at] ?? '');
    else jest.push(args[at]!);
  }
  const stray = jest.find((arg, at) => isServer(arg) && jest[at - 1]?.startsWith('-') !== true);
  if (stray !== undefined) throw new UsageError(`${stray} is a server: --servers ${stray}`);
  if (jest.some((arg) => arg.startsWith('spec/'))) return { servers, jest };
  // Behind the paths: the option takes all that follows it.
  return { servers, jest: [ALL_SPECS, ...jest, '--testPathIgnorePatterns', ...LEFT_OUT] };
}

function serversIn(list: string): readonly ServerName[] {
  return list.split(',').map((name) => {
    if (!isServer(name)) throw new UsageError(`--servers takes ${serverNames.join(', ')}, not '${name}'`);
    return name;
  });
}

function isServer(name: string): name is ServerName {
  return serverNames.some((known) => known === name);
}
