import { filter, switchMap, takeUntil, timer, type Subscription } from 'rxjs';
import { call } from '../commands/call';
import { inBackground, type Clock } from '../connection/clock';
import type { Frame } from '../resp/frames';
import type { Translate } from '../options/addresses';
import type { ClusterNode } from './node';
import { readView } from './slot-map';
import type { Topology } from './topology';

/** While a master is gone its replicas are asked so often whether they have taken its place, ms. */
const PROBE = 50;
/** After so long they are asked a little less often, ms, yet often enough to find the one that has within 100 ms. */
const EAGER = 3_000;
const STEADY = 75;
/** After the longest failover they are asked less and less often, down to the longest pause, ms: it may be that none ever will. */
const FAILOVER = 60_000;
const LONGEST = 500;
/** How long a replica may take to answer before it is asked once more, ms. */
const PATIENCE = 1_000;

/** Asks the replicas of masters that are gone whether they have taken their places, which is cheap, until they have. */
//  a master is gone ─▶ its replicas: are you master now? ──yes──▶ of which slots? ─▶ Topology
export class Heirs {
  private next: Subscription | undefined;
  /** The masters that were gone the last time, and since when the latest of them is, on the clock, ms. */
  private gone = new Set<ClusterNode>();
  private since = 0;
  private pause = PROBE;
  /** Replicas that have not answered yet. */
  private readonly asked = new Set<ClusterNode>();
  /** When those that are masters of other slots, or of none, are asked again, on the clock, ms. */
  private readonly notBefore = new WeakMap<ClusterNode, number>();
  private hasEnded = false;

  /** @param found told when one has */
  constructor(
    private readonly topology: Topology,
    private readonly clock: Clock,
    private readonly translate: Translate,
    private readonly found: () => void,
  ) {}

  look(): void {
    if (this.next !== undefined || this.hasEnded) return;
    const { topology, clock } = this;
    const gone = topology.masters.filter((node) => isGone(node) && node.replicas.length > 0);
    for (const node of gone) for (const replica of node.replicas) this.ask(node, replica);
    const now = clock.now();
    if (gone.some((node) => !this.gone.has(node))) {
      this.since = now;
      this.pause = PROBE;
    }
    this.gone = new Set(gone);
    if (gone.length === 0) return;
    const lasts = now - this.since;
    if (lasts > EAGER) this.pause = Math.min(lasts > FAILOVER ? LONGEST : STEADY, this.pause * 1.5);
    this.next = inBackground(
      clock.schedule(
        () => {
          this.next = undefined;
          this.look();
        },
        this.pause * (0.75 + Math.random() / 2),
      ),
    );
  }

  private ask(master: ClusterNode, replica: ClusterNode): void {
    const { topology, clock, asked } = this;
    if (asked.has(replica) || clock.now() < (this.notBefore.get(replica) ?? 0)) return;
    if (!replica.isReady) {
      replica.connection.open();
      return;
    }
    asked.add(replica);
    const { line } = replica.connection;
    const slots$ = line.sendAhead(call<Frame>('ROLE')).pipe(
      filter((role) => Array.isArray(role) && (role as readonly Frame[])[0] === 'master'),
      switchMap(() => line.sendAhead(call<Frame>('CLUSTER SLOTS'))),
    );
    slots$.pipe(takeUntil(timer(PATIENCE, clock))).subscribe({
      next: (slots) => {
        if (this.hasEnded || !isGone(master)) return;
        // One that was reset, or has lost its folder, is a master of nothing.
        const { ranges } = readView(slots, '', replica.host, this.translate);
        const own = ranges.filter((range) => range.master.name === replica.name);
        const has = (slot: number): boolean => own.some(({ from, to }) => from <= slot && slot <= to);
        if (topology.replace(master, replica, has)) this.found();
        else this.notBefore.set(replica, clock.now() + LONGEST);
      },
      error: () => asked.delete(replica),
      complete: () => asked.delete(replica),
    });
  }

  end(): void {
    this.hasEnded = true;
    this.next?.unsubscribe();
  }
}

function isGone({ isLost, isSuspected }: ClusterNode): boolean {
  return isLost || isSuspected;
}
