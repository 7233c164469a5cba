import { Subject } from 'rxjs';
import type { ByteSocket } from '../../../src/connection/socket';
import { ConnectionError } from '../../../src/errors';
import { RequestParser } from '../request-parser';
import type { Timeline } from '../timeline';

/** What a host answers, and what is done when that has come. */
export interface Answer {
  readonly text: string;
  readonly then: () => void;
}

/** Something that accepts connections: a server or a sentinel. */
export interface Host {
  readonly name: string;
  readonly port: number;
  /** `hung` accepts and answers nothing until it goes on */
  state: 'up' | 'down' | 'hung';
  readonly wires: Set<Wire>;
  /** ms, one way */
  readonly distance: number;
  /** answers a request, now that it is read; undefined for nothing */
  answer(words: readonly string[], wire: Wire): string | Answer | undefined;
}

/** What is told of connections. */
export interface Watcher {
  /** the client has written these words */
  wrote(host: Host, wire: Wire, words: readonly string[]): void;
  /** the client has ended a connection */
  left(host: Host, wire: Wire): void;
}

/** One connection in virtual time. */
export class Wire implements ByteSocket {
  readonly bytes$ = new Subject<Uint8Array>();
  readonly drain$ = new Subject<void>();
  readonly drained = true;
  isOpen = true;
  /** What the server has said of its role on it. */
  said: string | undefined;
  /** Commands were sent on it. */
  isUsed = false;
  /** It is subscribed. */
  listens = false;
  private readonly parser = new RequestParser();
  private readonly unread: (readonly string[])[] = [];

  constructor(
    readonly host: Host,
    readonly openedAt: number,
    private readonly timeline: Timeline,
    private readonly watcher: Watcher,
  ) {}

  write(chunks: readonly Uint8Array[]): boolean | 'refused' {
    if (!this.isOpen) return 'refused';
    for (const { words } of this.parser.push(Buffer.concat(chunks))) {
      this.watcher.wrote(this.host, this, words);
      this.timeline.after(this.host.distance, () => this.arrived(words));
    }
    return true;
  }

  /** Brings bytes to the client; `then` is done when they are there. */
  send(text: string, then: () => void = () => undefined): void {
    this.timeline.afterInProcess(this.host.distance, () => {
      if (!this.isOpen) return;
      then();
      this.timeline.touched = true;
      this.bytes$.next(Buffer.from(text));
    });
  }

  /** The host goes on. */
  read(): void {
    for (const words of this.unread.splice(0)) this.arrived(words);
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
    if (this.isOpen) this.watcher.left(this.host, this);
    this.close();
  }

  private close(): void {
    this.isOpen = false;
    this.host.wires.delete(this);
  }

  private arrived(words: readonly string[]): void {
    if (this.host.state === 'hung') {
      this.unread.push(words);
      return;
    }
    // What was on its way when the client left arrives all the same, unless the host is down.
    if (this.host.state === 'down') return;
    const answer = this.host.answer(words, this);
    if (answer === undefined || !this.isOpen) return;
    if (typeof answer === 'string') this.send(answer);
    else this.send(answer.text, answer.then);
  }
}
