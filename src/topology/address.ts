import type { ServerAddress } from '../options/addresses';
import type { Frame } from '../resp/frames';

/**
 * Reads what MOVED and ASK say of where a slot is: `host:port`, the last colon counts, so `::1:6379` is one of IPv6. An empty host is
 * that of the server that answered.
 * @param host the one of the server that answered
 * @returns undefined where the server does not know the host (`?:6379`), or the text is no address
 */
export function readRedirection(text: string, host: string): ServerAddress | undefined {
  const colon = text.lastIndexOf(':');
  return colon < 0 ? undefined : readAddress(text.slice(0, colon), text.slice(colon + 1), host);
}

/**
 * Reads an address of a list, as one of a sentinel is: host and port.
 * @param host the one of the server that answered, which null and an empty host mean
 * @returns undefined where the server does not know it, or it is no address
 */
export function readAddress(
  named: Frame | undefined,
  port: Frame | undefined,
  host: string,
): ServerAddress | undefined {
  const number = readPort(port);
  if (number === undefined) return undefined;
  if (named === null || named === undefined || named === '') return { host, port: number };
  if (typeof named !== 'string' || named === '?') return undefined;
  return { host: named.replace(/^\[(.*)\]$/, '$1'), port: number };
}

/**
 * Reads a node of CLUSTER SLOTS: `[endpoint, port, id, metadata]`. An endpoint of null or none is that of the server that answered; where
 * it is `?`, a name was preferred and none is configured, the metadata have the address.
 * @param host the one of the server that answered
 */
export function readNode(node: Frame | undefined, host: string): ServerAddress | undefined {
  if (!Array.isArray(node)) return undefined;
  const [endpoint, port, , metadata] = node as readonly Frame[];
  return readAddress(endpoint === '?' ? (entryOf(metadata, 'ip') ?? '?') : endpoint, port, host);
}

/** An entry of what RESP3 has as a map, and RESP2 as a flat array. */
export function entryOf(entries: Frame | undefined, name: string): Frame | undefined {
  if (entries instanceof Map) return entries.get(name);
  if (!Array.isArray(entries)) return undefined;
  const flat: readonly Frame[] = entries;
  for (let i = 0; i + 1 < flat.length; i += 2) if (flat[i] === name) return flat[i + 1];
  return undefined;
}

function readPort(port: Frame | undefined): number | undefined {
  if (typeof port !== 'number' && !(typeof port === 'string' && /^\d{1,5}$/.test(port))) return undefined;
  const number = Number(port);
  return Number.isInteger(number) && number > 0 && number <= 65_535 ? number : undefined;
}
