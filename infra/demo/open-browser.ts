import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { platform } from 'node:os';

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** Opens a page in the user's browser. @throws Error in one line where the system does not know how */
export async function openBrowser(url: string): Promise<void> {
  const [command, ...args] = OPENERS[platform()] ?? ['xdg-open'];
  const opener = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
  try {
    await once(opener, 'spawn');
    opener.unref();
  } catch (error) {
    throw new Error(`no browser can be opened: ${(error as Error).message}; the page is at ${url}`, { cause: error });
  }
}
