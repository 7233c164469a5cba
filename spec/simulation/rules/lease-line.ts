import { DisconnectedError, TimeoutError } from '../../../src/errors';
import type { LeaseStats } from '../client';
import { GRAIN } from '../sent';
import type { Use, UseOutcome } from '../use';
import type { Rule, Scene } from './rule';

/**
 * Callers get connections in the order in which they came, and each gets one or an error by the time it may wait. No more connections
 * exist than there may be, and none is lent any more when all work has ended.
 */
export class LeaseLineRule implements Rule {
  private readonly line = new Set<Use>();

  constructor(private readonly scene: Scene) {}

  useAsked(use: Use): void {
    // When `watch` has its connection only the client knows.
    if (use.item.kind === 'dedicated') this.line.add(use);
  }

  useBegun(use: Use): void {
    const [first] = this.line;
    if (first !== use) this.fail(use, `begins before ${first?.id}, which came first`);
    this.line.delete(use);
    this.checkWait(use);
  }

  useEnded(use: Use, outcome: UseOutcome): void {
    if (!this.line.delete(use)) return;
    this.checkWait(use);
    if (outcome.kind === 'left') return;
    if (outcome.kind === 'value') this.fail(use, 'completed and has not begun');
    else if (outcome.error instanceof TimeoutError) this.checkLate(use);
    else if (!(outcome.error instanceof DisconnectedError) || !this.scene.around.over())
      this.fail(use, `got no connection: ${String(outcome.error)}`);
  }

  connected(connections: number): void {
    const { leaseMax } = this.scene.settings;
    if (connections > leaseMax)
      this.scene.journal.fail(`${connections} connections are lent or idle, and ${leaseMax} may be`);
  }

  rested({ active, waiting, total }: LeaseStats): void {
    const { journal } = this.scene;
    if (active > 0) journal.fail(`${active} connections are lent although all work has ended`);
    if (waiting > 0) journal.fail(`${waiting} callers wait although all work has ended`);
    if (total > 0) journal.fail(`${total} connections are kept for longer than they may be idle`);
  }

  private checkWait(use: Use): void {
    const late = this.waited(use) - this.scene.settings.leaseWait;
    if (late > GRAIN) this.fail(use, `waited ${late} ms more for a connection than it may`);
  }

  private checkLate(use: Use): void {
    this.scene.journal.count('no lease in time');
    const { timeline, settings } = this.scene;
    if (timeline.now() - use.askedAt < settings.leaseWait) this.fail(use, 'was given up before its time');
  }

  /** What the process was held up does not count. */
  private waited({ askedAt, heldUpBefore }: Use): number {
    const { timeline } = this.scene;
    return timeline.now() - askedAt - (timeline.heldUp - heldUpBefore);
  }

  private fail({ id }: Use, violation: string): void {
    this.scene.journal.fail(`use ${id} ${violation}`);
  }
}
