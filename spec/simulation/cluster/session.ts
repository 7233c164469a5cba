import { bulk } from './config';
import type { Wire } from './net';

/** A connection as a node has it. */
export class Session {
  asking = false;
  isReadonly = false;
  /** MULTI was run, and EXEC was not. */
  queued: (readonly string[])[] | undefined;
  isRefused = false;
  readonly channels = new Set<string>();
  readonly shards = new Set<string>();

  join(name: string, channel: string): string {
    const all = name === 'SSUBSCRIBE' ? this.shards : this.channels;
    all.add(channel);
    return `>3\r\n${bulk(name.toLowerCase())}${bulk(channel)}:${all.size}\r\n`;
  }

  leave(name: string, channel: string): string {
    const all = name === 'SUNSUBSCRIBE' ? this.shards : this.channels;
    all.delete(channel);
    return `>3\r\n${bulk(name.toLowerCase())}${bulk(channel)}:${all.size}\r\n`;
  }
}

/** The connections of a node, also those that the client has left: what comes late on them runs as it was sent. */
export class Sessions {
  private readonly all = new WeakMap<Wire, Session>();

  constructor(private readonly wires: ReadonlySet<Wire>) {}

  of(wire: Wire): Session {
    let session = this.all.get(wire);
    if (session === undefined) this.all.set(wire, (session = new Session()));
    return session;
  }

  get open(): readonly (readonly [Wire, Session])[] {
    return [...this.wires].map((wire) => [wire, this.of(wire)] as const);
  }
}
