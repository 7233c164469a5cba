import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { debianArchive, downloadPackages } from '../servers/debian/apt';
import { bringOnce, cacheFolder } from '../servers/debian/once';
import { lookUp } from '../servers/rungs/path';
import { readBrowser, unpackBrowser } from './unpacked-browser';

/** A Chromium that can be started. */
export interface FoundBrowser {
  readonly command: string;
  /** what is to be added to the environment */
  readonly env: Readonly<Record<string, string>>;
  /** for people */
  readonly description: string;
}

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];

/** It looks for nothing on the net by itself. */
const FLAGS = [
  ...['--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/**
 * Finds a Chromium: on the PATH, or from the Debian packages of this machine's release, unpacked into the cache without root.
 * @throws Error that says why there is none, and what to do
 */
export async function findBrowser(): Promise<FoundBrowser> {
  for (const program of PROGRAMS) {
    const command = await lookUp(program);
    if (command !== null) return { command, env: {}, description: `${command} from the PATH` };
  }
  try {
    return await unpacked();
  } catch (error) {
    const why = (error as Error).message;
    throw new Error(`No Chromium: none is on the PATH, and of Debian's packages: ${why}. Install chromium.`, {
      cause: error,
    });
  }
}

/** Starts it without a window. @throws Error where there is none, or it does not start */
export async function launchBrowser(): Promise<Browser> {
  const { command, env } = await findBrowser();
  return chromium.launch({ executablePath: command, args: FLAGS, env: { ...definedOf(process.env), ...env } });
}

async function unpacked(): Promise<FoundBrowser> {
  if (process.platform !== 'linux') throw new Error(`they do not run on ${process.platform}`);
  // Of the machine's own release, because its C library is used.
  const { suite } = await debianArchive();
  const { found, how } = await bringOnce(join(cacheFolder(), `chromium-${suite}-${process.arch}`), {
    read: readBrowser,
    unpack: async (root, scratch) => {
      await unpackBrowser(await downloadPackages({ package: 'chromium', suites: [suite] }, scratch), root);
    },
  });
  const { command, env, version } = found;
  return { command, env, description: `chromium ${version} from Debian package (${suite}), ${how}` };
}

function definedOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
