import { join } from 'node:path';
import { installPinned, type Versions } from '../install-pinned';

/** The peers have a package.json of their own: nobody who builds or tests this package needs them. */
export const peersFolder = join(__dirname, 'peers');

/**
 * Installs the peers in the versions that their package.json pins, unless they are there.
 * @returns versions by package
 */
export function installPeers(): Promise<Versions> {
  return installPinned(peersFolder);
}
