import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { parseVersion } from '../debian/unpacked-server';
import { run } from '../run';
import type { Rung, ServerProgram } from '../rung';
import { superviseProgram } from '../supervisor';

const PROGRAMS = ['redis-server', 'valkey-server'] as const;
/** One that does not tell its version within so many ms never will. */
const VERSION_TIMEOUT = 60_000;

/** A server installed on this machine. */
export const pathRung: Rung<ServerProgram> = {
  name: 'path',
  async find() {
    const refusals: string[] = [];
    for (const program of PROGRAMS) {
      const path = await lookUp(program);
      if (path === null) continue;
      try {
        return await serverAt(path, program);
      } catch (error) {
        refusals.push((error as Error).message);
      }
    }
    if (refusals.length > 0) throw new Error(refusals.join('; '));
    throw new Error(`neither ${PROGRAMS.join(' nor ')} is on the PATH`);
  },
};

/** @throws Error when the program does not run, or is something else */
async function serverAt(path: string, program: string): Promise<ServerProgram> {
  const version = parseVersion(await run(path, ['--version'], { timeout: VERSION_TIMEOUT }));
  return {
    kind: 'program',
    from: 'path',
    version,
    command: [path],
    description: `${program} ${version} from the PATH (${path})`,
    launch: (launch) => superviseProgram([path], launch),
  };
}

/** The path of a program on the PATH, or null. */
export async function lookUp(program: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, program);
    if (folder !== '' && (await isExecutable(path))) return path;
  }
  return null;
}

export function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
