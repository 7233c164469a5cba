import { dirname, join } from 'node:path';
import { findServer } from './find-server';
import { debianPackagesRung } from './rungs/debian-packages';
import { isExecutable, lookUp } from './rungs/path';
import { defaultServerName } from './server-names';

const PROGRAMS = ['redis-cli', 'valkey-cli'] as const;

/**
 * Finds redis-cli (or valkey-cli), starting nothing: the one beside the program of the server that `findServer` finds,
 * one on the PATH, or that of the Debian packages, which are unpacked if need be.
 * @returns the program and the arguments that precede its own
 * @throws Error when there is none
 */
export async function findCli(): Promise<readonly string[]> {
  const server = await findServer({ own: true });
  const beside = server.kind === 'program' ? await cliBeside(server.command) : null;
  return beside ?? (await cliOnPath()) ?? (await cliOfPackages());
}

async function cliBeside(command: readonly string[]): Promise<readonly string[] | null> {
  const program = command.at(-1);
  if (program === undefined) return null;
  for (const name of PROGRAMS) {
    const path = join(dirname(program), name);
    if (await isExecutable(path)) return [...command.slice(0, -1), path];
  }
  return null;
}

async function cliOnPath(): Promise<readonly string[] | null> {
  for (const name of PROGRAMS) {
    const path = await lookUp(name);
    if (path !== null) return [path];
  }
  return null;
}

async function cliOfPackages(): Promise<readonly string[]> {
  const { command, description } = await debianPackagesRung.find({ server: defaultServerName() });
  const cli = await cliBeside(command);
  if (cli === null) throw new Error(`No ${PROGRAMS.join(' or ')} beside ${description}, nor on the PATH`);
  return cli;
}
