import { constants } from 'node:fs';
import { access, readdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

function pathFolders(): string[] {
  return (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
}

/** Where the PATH has a program, or null. */
export async function lookUp(program: string): Promise<string | null> {
  for (const folder of pathFolders()) {
    const path = join(folder, program);
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return path;
  }
  return null;
}

/**
 * Links every program of the PATH into a folder, as if nothing else were installed.
 * @param missing the programs that are left out, by their names
 */
export async function linkPrograms(folder: string, missing: RegExp): Promise<void> {
  const linked = new Set<string>(await readdir(folder));
  for (const source of pathFolders()) {
    for (const name of await readdir(source).catch(() => [])) {
      if (missing.test(name) || linked.has(name)) continue;
      linked.add(name);
      await symlink(join(source, name), join(folder, name));
    }
  }
}
