import { takeUntil, timer, type Subscription } from 'rxjs';
import { call } from '../commands/call';
import { inBackground, type Clock } from '../connection/clock';
import type { Frame } from '../resp/frames';
import type { ClusterNode } from './node';
import type { Topology } from './topology';

/** While a master is gone its replicas are asked so often whether they have taken its place, ms. */
const PROBE = 50;
/** After so long they are asked less and less often, down to the longest pause, ms: it may be that none ever will. */
const EAGER = 3_000;
const LONGEST = 500;
/** How long a replica may take to answer before it is asked once more, ms. */
const PATIENCE = 1_000;

/** Asks the replicas of masters that are gone whether they have taken their places, which is cheap, until they have. */
//  a master is gone ─▶ its replicas: are you master now? ──yes──▶ Topology
export class Heirs {
  private next: Subscription | undefined;
  /** The masters that were gone the last time, and since when the latest of them is, on the clock, ms. */
  private gone = new Set<ClusterNode>();
  private since = 0;
  private pause = PROBE;
  /** Replicas that have not answered yet. */
  private readonly asked = new Set<ClusterNode>();
  private hasEnded = false;

  /** @param found told when one has */
  constructor(
    private readonly topology: Topology,
    private readonly clock: Clock,
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
    if (now - this.since > EAGER) this.pause = Math.min(LONGEST, this.pause * 1.5);
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
    if (asked.has(replica)) return;
    if (!replica.isReady) {
      replica.connection.open();
      return;
    }
    asked.add(replica);
    const role$ = replica.connection.line.sendAhead(call<Frame>('ROLE'));
    role$.pipe(takeUntil(timer(PATIENCE, clock))).subscribe({
      next: (role) => {
        if (!Array.isArray(role) || (role as readonly Frame[])[0] !== 'master') return;
        if (this.hasEnded || !isGone(master)) return;
        topology.replace(master, replica);
        this.found();
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
