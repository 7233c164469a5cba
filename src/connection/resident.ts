import type { Observable } from 'rxjs';
import type { Command } from '../commands/command';
import type { Push } from '../resp/frames';

/** Sends a command ahead of the queue, whether the queue flows or not. */
export type Send = (command: Command) => Observable<unknown>;

/** What has to be there again on every link of a connection: subscriptions, tracking, a role check. */
export interface Resident {
  // Hot: once per push.
  /** Takes a push, whatever its kind. */
  receive(push: Push): void;
  /** It waits for pushes: a link that is silent and owes nothing is probed, and one that is lost is made anew soon. */
  readonly listening: boolean;
  /** Brings it back over a new link; completes when it is back. */
  restore(send: Send, protocol: 2 | 3): Observable<unknown>;
  /** Takes away what the server accepts no AUTH beside, as RESP2 does beside subscriptions. */
  suspend(send: Send): Observable<unknown>;
  /** Brings back what was suspended, right behind AUTH. */
  resume(send: Send): Observable<unknown>;
  /** A last chance to send something that belongs before what the queue holds. */
  beforeWrite(): void;
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

  // Hot: once per tick.
  beforeWrite(): void {
    const { all } = this;
    for (let i = 0; i < all.length; i++) all[i]!.beforeWrite();
  }
}
