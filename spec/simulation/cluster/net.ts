import { Subject } from 'rxjs';
import type { ByteSocket } from '../../../src/connection/socket';
import { ConnectionError } from '../../../src/errors';
import { RequestParser } from '../request-parser';
import type { Timeline } from '../timeline';

/**
 * What a host does: `hung` accepts and reads nothing until it goes on, as a stopped process; of one that is `away` the network brings
 * nothing to the client, and nothing from it.
 */
export type HostState = 'up' | 'down' | 'hung' | 'away';

/** Something that accepts connections in virtual time. */
export abstract class Host {
  state: HostState = 'up';
  readonly wires = new Set<Wire>();
  /** What has come to it while it did not read, and what has not left it. */
  private readonly unread: (readonly [Wire, readonly string[]])[] = [];
  readonly stalled: (() => void)[] = [];

  constructor(
    readonly port: number,
    /** ms, one way */
    readonly distance: number,
  ) {}

  get name(): string {
    return `node:${this.port}`;
  }

  /** Does what a request asks for, and answers it. */
  abstract answer(words: readonly string[], wire: Wire): void;

  arrived(words: readonly string[], wire: Wire): void {
    // What was on its way when the client left arrives all the same, unless the host is down.
    if (this.state === 'up') this.answer(words, wire);
    else if (this.state !== 'down') this.unread.push([wire, words]);
  }

  fall(state: Exclude<HostState, 'up'>): void {
    this.state = state;
    if (state === 'down') this.cut();
  }

  /** It goes on with what has come meanwhile: what a stopped process was sent on links that are gone by now runs as well. */
  rise(): void {
    const wasHung = this.state === 'hung';
    this.state = 'up';
    const unread = this.unread.splice(0);
    for (const [wire, words] of unread) if (wire.isOpen || wasHung) this.answer(words, wire);
    for (const deliver of this.stalled.splice(0)) deliver();
  }

  /** All its connections are reset. */
  cut(): void {
    this.unread.length = 0;
    this.stalled.length = 0;
    for (const wire of [...this.wires]) wire.cut();
  }
}

/** What is told of connections. */
export interface Watcher {
  wrote(host: Host, words: readonly string[]): void;
  /** bytes are brought to the client by `bring` */
  brings(host: Host, text: string, bring: () => void): void;
}

/** One connection in virtual time. */
export class Wire implements ByteSocket {
  readonly bytes$ = new Subject<Uint8Array>();
  readonly drain$ = new Subject<void>();
  readonly drained = true;
  isOpen = true;
  private readonly parser = new RequestParser();

  constructor(
    readonly host: Host,
    private readonly timeline: Timeline,
    private readonly watcher: Watcher,
  ) {}

  write(chunks: readonly Uint8Array[]): boolean | 'refused' {
    if (!this.isOpen) return 'refused';
    for (const { words } of this.parser.push(Buffer.concat(chunks))) {
      this.watcher.wrote(this.host, words);
      this.timeline.after(this.host.distance, () => this.host.arrived(words, this));
    }
    return true;
  }

  /** Brings bytes to the client; `then` is done when they are there. */
  send(text: string, then: () => void = () => undefined): void {
    const deliver = (): void => {
      if (!this.isOpen) return;
      if (this.host.state === 'away') {
        this.host.stalled.push(deliver);
        return;
      }
      then();
      this.timeline.touched = true;
      this.watcher.brings(this.host, text, () => this.bytes$.next(Buffer.from(text)));
    };
    this.timeline.afterInProcess(this.host.distance, deliver);
  }

  /** The other end is gone. */
  cut(): void {
    if (!this.isOpen) return;
    this.close();
    this.timeline.afterInProcess(0, () => {
      this.timeline.touched = true;
      this.bytes$.error(new ConnectionError(`${this.host.name} closed the connection`, { cause: new Error('cut') }));
    });
  }

  keepsAlive(): void {}

  destroy(): void {
    if (this.isOpen) this.close();
  }

  private close(): void {
    this.isOpen = false;
    this.host.wires.delete(this);
  }
}
