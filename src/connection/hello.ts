import { ProtocolError } from '../errors';
import type { Frame } from '../resp/frames';

/** What a server says of itself in its reply to HELLO; nothing is known of one that does not know HELLO. */
export interface ServerInfo {
  readonly protocol: 2 | 3;
  /** the number of this connection, as in CLIENT LIST */
  readonly id?: number | undefined;
  readonly version?: string | undefined;
  /** `master` or `replica` */
  readonly role?: string | undefined;
  /** `standalone`, `sentinel` or `cluster` */
  readonly mode?: string | undefined;
}

/**
 * Reads the reply to HELLO. Some proxies answer HELLO 3 in RESP2: a flat array that says `proto 2`.
 * @throws ProtocolError when the form of the reply contradicts the version that it names, so that neither can be trusted
 */
export function readHello(frame: Frame): ServerInfo {
  const entries = entriesOf(frame);
  const named = Number(entries.get('proto'));
  const form = frame instanceof Map ? 3 : 2;
  if (named !== form) {
    const said = Number.isNaN(named) ? 'names no version of RESP' : `says RESP${named}`;
    const why = `The reply to HELLO contradicts itself: ${kindOfForm(frame)} that ${said}`;
    throw new ProtocolError(why, { command: 'HELLO', delivery: 'answered', repeatable: false });
  }
  const id = entries.get('id');
  return {
    protocol: form,
    id: typeof id === 'number' ? id : undefined,
    version: textOrNothing(entries.get('version')),
    role: textOrNothing(entries.get('role')),
    mode: textOrNothing(entries.get('mode')),
  };
}

function entriesOf(frame: Frame): Map<Frame, Frame> {
  if (frame instanceof Map) return frame;
  const entries = new Map<Frame, Frame>();
  if (Array.isArray(frame)) for (let i = 0; i + 1 < frame.length; i += 2) entries.set(frame[i]!, frame[i + 1]!);
  return entries;
}

function textOrNothing(value: Frame | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function kindOfForm(frame: Frame): string {
  if (frame instanceof Map) return 'a map';
  return Array.isArray(frame) ? 'an array' : 'no array';
}
