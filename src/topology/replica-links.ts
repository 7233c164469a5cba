import {
  defaultIfEmpty,
  exhaustMap,
  finalize,
  map,
  takeLast,
  takeUntil,
  takeWhile,
  timer,
  type Subscription,
} from 'rxjs';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import { nameOf, type ServerAddress } from '../options/addresses';
import { roleOf } from './role-of';

/** How long the link of a replica may be broken before that is left for the master, and how often it is asked meanwhile, ms. */
const LONGEST_REPAIR = 3_000;
const ASK_AGAIN = 1_000;

/** What replicas are asked with. */
export interface ReplicaLinksParts {
  readonly clock: Clock;
  /** makes a connection to a replica, to ask it for its role */
  readonly connect: (replica: ServerAddress) => Connection;
  /** told whether a replica has a link to its master */
  readonly onSaid: (replica: ServerAddress, isLinked: boolean) => void;
}

/** What replicas say themselves of the links to their master: sentinels ask them every ten seconds alone. */
//  a sentinel sees no link, or none could be made ──▶ asked ──linked──▶ read from
//                                           ▲          └──broken──▶ left ──┐
//                                           └──── with each answer ────────┘
export class ReplicaLinks {
  private readonly said = new Map<string, boolean>();
  private readonly asking = new Map<string, Subscription>();

  constructor(private readonly parts: ReplicaLinksParts) {}

  /** Whether a replica has a link, by its own word or else by that of a sentinel. */
  isLinked(replica: ServerAddress, bySentinel: boolean): boolean {
    return this.said.get(nameOf(replica)) ?? bySentinel;
  }

  /** It was not what a sentinel said, or could not be reached. */
  doubt(replica: ServerAddress): void {
    this.said.set(nameOf(replica), false);
  }

  /** A sentinel tells of replicas, and whether these are linked: asks those about which it may be wrong. */
  heard(replicas: readonly ServerAddress[], bySentinel: boolean): void {
    const names = new Set(replicas.map(nameOf));
    for (const name of this.said.keys()) if (!names.has(name)) this.said.delete(name);
    for (const replica of replicas) {
      if (!bySentinel || !this.isLinked(replica, true)) this.ask(replica, bySentinel);
    }
  }

  end(): void {
    for (const asked of [...this.asking.values()]) asked.unsubscribe();
  }

  private ask(replica: ServerAddress, bySentinel: boolean): void {
    const name = nameOf(replica);
    if (this.asking.has(name)) return;
    const { clock, connect, onSaid } = this.parts;
    const before = this.said.get(name);
    // The links of all replicas break in a failover, for a second or two: one that is read from is not left for that.
    const turns = before === false ? timer(0, clock) : timer(0, ASK_AGAIN, clock);
    const asked = turns.pipe(
      exhaustMap(() => roleOf(connect(replica))),
      map((role) => role === 'replica' || (role === undefined && bySentinel)),
      takeWhile((isLinked) => !isLinked, true),
      takeUntil(timer(LONGEST_REPAIR, clock)),
      takeLast(1),
      // A replica that takes no more connections may serve those that it has.
      defaultIfEmpty(bySentinel ? undefined : false),
      finalize(() => this.asking.delete(name)),
    );
    this.asking.set(
      name,
      asked.subscribe((isLinked) => {
        this.said.set(name, isLinked === true);
        if (isLinked !== undefined && !(isLinked && before)) onSaid(replica, isLinked);
      }),
    );
  }
}
