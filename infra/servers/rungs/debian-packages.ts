import { join } from 'node:path';
import { downloadPackages } from '../debian/apt';
import { bringOnce, cacheFolder } from '../debian/once';
import { readUnpacked, unpackServer } from '../debian/unpacked-server';
import type { Rung, ServerProgram } from '../rung';
import { serverSource } from '../server-names';
import { superviseProgram } from '../supervisor';

/** Unpacks the Debian packages of a version into the user's cache, without root, and starts it from there. */
export const debianPackagesRung: Rung<ServerProgram> = {
  name: 'packages',
  async find({ server }) {
    if (process.platform !== 'linux') throw new Error(`Debian packages do not run on ${process.platform}`);
    const folder = join(cacheFolder(), `${server}-${process.arch}`);
    const { package: name, suites } = serverSource(server);
    const { found: unpacked, how } = await bringOnce(folder, {
      read: readUnpacked,
      unpack: async (root, scratch) => {
        const debs = await downloadPackages({ package: name, suites }, scratch);
        await unpackServer(debs, { package: name, suite: suites[0] }, root);
      },
    });
    const { version, suite, command } = unpacked;
    return {
      kind: 'program',
      from: 'packages',
      version,
      command,
      description: `${name} ${version} from Debian package (${suite}), ${how}`,
      launch: (launch) => superviseProgram(command, launch),
    };
  },
};
