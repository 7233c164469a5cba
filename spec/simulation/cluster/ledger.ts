import type { SimulatedNode } from './node';

/** A command, or a member of one, that a node has run. */
export interface Execution {
  /** in the order of all; it is in the reply as well, so that it is known whose a reply is */
  readonly n: number;
  readonly name: string;
  readonly key: string;
  /** what the caller has given, by which executions of one call are found; empty for reads */
  readonly tag: string;
  readonly slot: number;
  readonly node: SimulatedNode;
  readonly at: number;
  /** it was run behind ASKING */
  readonly wasAsked: boolean;
  /** the node was the one that all others would name in the end */
  readonly isOwners: boolean;
  /** the reply has come to the client */
  isDelivered: boolean;
}

/** What was run, by all nodes, in the order of time. */
export class Ledger {
  readonly executions: Execution[] = [];
  private readonly byTag = new Map<string, Execution[]>();

  add(facts: Omit<Execution, 'n' | 'isDelivered'>): Execution {
    const execution = { ...facts, n: this.executions.length, isDelivered: false };
    this.executions.push(execution);
    if (facts.tag !== '') {
      const own = this.byTag.get(facts.tag);
      if (own === undefined) this.byTag.set(facts.tag, [execution]);
      else own.push(execution);
    }
    return execution;
  }

  of(tag: string): readonly Execution[] {
    return this.byTag.get(tag) ?? [];
  }
}
