import type { Observable } from 'rxjs';
import type { Command } from '../commands/command';
import type { RedisError } from '../errors';
import type { Push } from '../resp/frames';

/** Sends a command ahead of the queue, whether the queue flows or not. */
export type Send = (command: Command) => Observable<unknown>;

/** What lives on a connection across its links: it takes the pushes, and may be restored on each new link. Subscriptions are one. */
export interface Resident {
  // Hot: once per push.
  /** Takes a push, whatever its kind. */
  receive(push: Push): void;
  /** It waits for pushes: a link that is silent and owes nothing is probed, and one that is lost is made anew soon. */
  readonly listening: boolean;
  /**
   * The link is lost.
   * @param servedUntil until when the server surely served it, on the clock; 0 where it never gave a sign of life
   */
  lost?(error: RedisError, servedUntil: number): void;
  /** Restores its state over a new link; completes when that is done. */
  restore?(send: Send, protocol: 2 | 3): Observable<unknown>;
  /** Takes its state away before AUTH where the server accepts no AUTH beside it: subscriptions in RESP2. */
  suspend?(send: Send): Observable<unknown>;
  /** Restores what was suspended, right behind AUTH. */
  resume?(send: Send): Observable<unknown>;
  /** Called before the queue is written. May send something ahead of it. */
  beforeWrite?(): void;
}

/** The residents of one connection; they outlive its links. */
export class Residents {
  private readonly all: Resident[] = [];

  add(resident: Resident): void {
    this.all.push(resident);
  }

  get count(): number {
    return this.all.length;
  }

  [Symbol.iterator](): Iterator<Resident> {
    return this.all[Symbol.iterator]();
  }

  get listening(): boolean {
    return this.all.some(({ listening }) => listening);
  }

  // Hot: once per push.
  receive(push: Push): void {
    const { all } = this;
    for (let i = 0; i < all.length; i++) all[i]!.receive(push);
  }

  lost(error: RedisError, servedUntil: number): void {
    for (const resident of this.all) resident.lost?.(error, servedUntil);
  }

  // Hot: once per tick.
  beforeWrite(): void {
    const { all } = this;
    for (let i = 0; i < all.length; i++) all[i]!.beforeWrite?.();
  }
}
