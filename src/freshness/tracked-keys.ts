import { bytesOfPrefix } from '../commands/prefix-bytes';
import { isBinary } from '../resp/binary-names';
import type { ResolvedOptions } from '../options';
import { isBytes } from '../resp/is-bytes';
import { textOfBytes } from '../resp/strings';
import { nameOf } from './names';
import type { TrackingMode } from './tracker';

/** What a server is to remember, as the options want it. */
export function modeOf({ cache, prefix }: Pick<ResolvedOptions, 'cache' | 'prefix'>): TrackingMode {
  if (cache?.mode !== 'broadcast') return { kind: cache?.mode ?? 'optin', prefixes: [] };
  const keys = cache.keys as readonly (string | Uint8Array)[];
  const own = keys.length === 0 && prefix !== '' ? [''] : keys;
  return { kind: 'broadcast', prefixes: own.map((key) => withPrefix(prefix, key)) };
}

/** Whether the server tells of changes of a key, by its name. */
export function isTold({ kind, prefixes }: TrackingMode, name: string): boolean {
  return kind !== 'broadcast' || prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(nameOf(prefix)));
}

/** Which keys may be kept, by their names. */
export function wantedKeys({ keys }: NonNullable<ResolvedOptions['cache']>, prefix: string): (name: string) => boolean {
  const own = isBinary(prefix) ? textOfBytes(bytesOfPrefix(prefix)) : prefix;
  if (typeof keys === 'function') return (name) => keys(name.slice(own.length));
  if (keys.length === 0) return () => true;
  const prefixes = keys.map((key) => nameOf(withPrefix(prefix, key)));
  return (name) => prefixes.some((one) => name.startsWith(one));
}

function withPrefix(prefix: string, key: string | Uint8Array): string | Uint8Array {
  if (!isBinary(prefix) && !isBytes(key)) return prefix + key;
  return Buffer.concat([bytesOfPrefix(prefix), isBytes(key) ? key : Buffer.from(key)]);
}
