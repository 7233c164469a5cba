import { Multicast } from '../connection/multicast';

/** What arrives on a channel. `pattern` tells through which pattern it came. */
export interface Message<S extends string | Uint8Array = string> {
  readonly type: 'message' | 'pmessage' | 'smessage';
  readonly channel: string;
  readonly pattern?: string;
  readonly data: S;
}

/** A channel or pattern that somebody observes, however many they are: one subscription at the server. */
export class Topic {
  readonly strings = new Multicast<Message>();
  readonly bytes = new Multicast<Message<Buffer>>();

  constructor(readonly name: string) {}

  get observed(): boolean {
    return this.strings.observed || this.bytes.observed;
  }

  // Hot: once per message.
  deliver(type: Message['type'], channel: string, data: string | Uint8Array): void {
    const { strings, bytes, name } = this;
    if (strings.observed) strings.next(message(type, channel, name, typeof data === 'string' ? data : asText(data)));
    // What was decoded before the first Observer of bytes came is text, and its bytes are gone.
    if (bytes.observed && typeof data !== 'string') bytes.next(message(type, channel, name, data as Buffer));
  }

  complete(): void {
    this.strings.complete();
    this.bytes.complete();
  }

  error(error: unknown): void {
    this.strings.error(error);
    this.bytes.error(error);
  }
}

function message<S extends string | Uint8Array>(
  type: Message['type'],
  channel: string,
  name: string,
  data: S,
): Message<S> {
  return type === 'pmessage' ? { type, channel, pattern: name, data } : { type, channel, data };
}

function asText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
