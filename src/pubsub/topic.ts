import { Multicast } from '../connection/multicast';
import type { RedisError } from '../errors';
import { asBuffer, textOfBytes } from '../resp/strings';

/** What arrives on a channel. `pattern` tells through which pattern it came. Names and data are text, or bytes on `redis.bytes`. */
export interface Message<S extends string | Uint8Array = string> {
  readonly type: 'message' | 'pmessage' | 'smessage';
  readonly channel: S;
  readonly pattern?: S;
  readonly data: S;
}

/** What a push brings: text, or bytes once an Observer of bytes is there. */
export type Item = string | Uint8Array;

/** A subscription that the server had confirmed does not stand any more. */
export interface Loss {
  /** until when nothing was missed, on the clock */
  readonly from: number;
  readonly reason: RedisError;
}

/** The server has confirmed a subscription. */
export interface Confirmation {
  /** when, on the clock */
  readonly at: number;
  /** what it ends */
  readonly loss: Loss | undefined;
}

/** A channel or pattern that is observed, by however many Observers: one subscription at the server. */
export class Topic {
  readonly strings = new Multicast<Message>();
  readonly bytes = new Multicast<Message<Buffer>>();
  /** Tells Observers that want gaps of each confirmation; made for the first of them. They join the others with the first one. */
  confirmations: Multicast<Confirmation> | undefined;
  /** What is known of the subscription at the server: not confirmed yet, confirmed, or lost since then. */
  private state: 'asked' | 'confirmed' | Loss = 'asked';
  /** Its last Observer has left, and another may come. */
  isIdle = false;

  /** @param key the name, or what stands for it: see `keyOf` */
  constructor(readonly key: string) {}

  get observed(): boolean {
    return this.strings.observed || this.bytes.observed || this.confirmations?.observed === true;
  }

  get isConfirmed(): boolean {
    return this.state === 'confirmed';
  }

  get wasConfirmed(): boolean {
    return this.state !== 'asked';
  }

  /** What is not confirmed again; undefined where the subscription stands, or never did. */
  get loss(): Loss | undefined {
    return typeof this.state === 'object' ? this.state : undefined;
  }

  confirm(at: number): void {
    const { loss } = this;
    this.state = 'confirmed';
    this.confirmations?.next({ at, loss });
  }

  /** The subscription does not stand any more. What is lost already is lost since then. */
  lose(loss: Loss): void {
    if (this.state === 'confirmed') this.state = loss;
  }

  // Hot: once per message.
  /** @param pattern the pattern as it came, undefined for a message of a channel */
  deliver(type: Message['type'], channel: Item, pattern: Item | undefined, data: Item): void {
    const { strings, bytes } = this;
    if (strings.observed) {
      const through = pattern === undefined ? undefined : asText(pattern);
      strings.next(message(type, asText(channel), through, asText(data)));
    }
    // What was decoded before the first Observer of bytes came is text, and its bytes are gone.
    if (bytes.observed && typeof data !== 'string') {
      const through = pattern === undefined ? undefined : bytesOf(pattern);
      bytes.next(message(type, bytesOf(channel), through, bytesOf(data)));
    }
  }

  complete(): void {
    this.strings.complete();
    this.bytes.complete();
    this.confirmations?.complete();
  }

  error(error: unknown): void {
    this.strings.error(error);
    this.bytes.error(error);
    this.confirmations?.error(error);
  }
}

function message<S extends string | Uint8Array>(
  type: Message['type'],
  channel: S,
  pattern: S | undefined,
  data: S,
): Message<S> {
  return pattern === undefined ? { type, channel, data } : { type, channel, pattern, data };
}

export function asText(item: Item): string {
  return typeof item === 'string' ? item : textOfBytes(item);
}

function bytesOf(item: Item): Buffer {
  return typeof item === 'string' ? Buffer.from(item) : asBuffer(item);
}
