import { call } from '../commands/call';
import type { Command } from '../commands/command';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { ClusterNode } from './node';

/** What is known of a node is looked at again after so long, ms. */
const FRESH = 1_000;
/** How much the last measurement counts beside those before. */
const WEIGHT = 0.5;

/** Finds out how far nodes are and in which zones, as long as reads go by that. */
export class Nearness {
  private readonly askedAt = new WeakMap<ClusterNode, number>();

  constructor(private readonly clock: Clock) {}

  /** Measures how long a node takes to answer. @param connection the one that reads from it */
  measure(node: ClusterNode, connection: Connection): void {
    const { clock } = this;
    this.ask(node, connection, call('PING'), () => {
      const took = clock.now() - this.askedAt.get(node)!;
      node.distance = node.distance === Infinity ? took : node.distance + (took - node.distance) * WEIGHT;
    });
  }

  /** Asks in which zone a node is: servers tell since Valkey 8.1. */
  locate(node: ClusterNode, connection: Connection): void {
    this.ask(node, connection, call('INFO', 'server'), (text) => {
      node.zone = /^availability_zone:(.+?)\s*$/m.exec(text)?.[1];
    });
  }

  private ask(node: ClusterNode, connection: Connection, command: Command<string>, told: (text: string) => void): void {
    const now = this.clock.now();
    if (now - (this.askedAt.get(node) ?? -Infinity) < FRESH) return;
    connection.open();
    if (connection.state$.value.kind !== 'ready') return;
    this.askedAt.set(node, now);
    connection.line.sendAhead(command).subscribe({ next: told, error: () => undefined });
  }
}
