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
  /** the reply has come to the client */
  isDelivered: boolean;
}

/** A node has refused a command of which the client was told then. */
interface Refusal {
  readonly node: SimulatedNode;
  readonly toldAt: number;
}

/** What of a call stands in its commands. */
interface Asked {
  readonly at: number;
  readonly keys: readonly string[];
  readonly writes: readonly { readonly tag: string }[];
}

/** What was run, and refused, by all nodes, in the order of time. */
export class Ledger {
  readonly executions: Execution[] = [];
  private readonly byTag = new Map<string, Execution[]>();
  private readonly refusals = new Map<string, Refusal[]>();
  /** when nodes have named others for a command, with no other refusal in between */
  private readonly sentAwayAt = new Map<string, number[]>();
  /** when what was given was written to a node for the last time */
  private readonly writtenAt = new Map<string, number>();

  wrote(node: SimulatedNode, words: readonly string[], at: number): void {
    for (const tag of tagsOf(words)) this.writtenAt.set(`${node.name} ${tag}`, at);
  }

  refused(node: SimulatedNode, words: readonly string[], toldAt: number): void {
    for (const tag of tagsOf(words)) this.refusals.set(tag, [...(this.refusals.get(tag) ?? []), { node, toldAt }]);
  }

  sentAway(words: readonly string[], toldAt: number, isNamed: boolean): void {
    const command = words.join(' ');
    this.sentAwayAt.set(command, isNamed ? [...(this.sentAwayAt.get(command) ?? []), toldAt] : []);
  }

  /** How often in a row at most nodes have named others for a command of a call: one with what the caller has given, or, of what reads, with one of its keys. */
  timesSentAway({ at, keys, writes }: Asked): number {
    const words = writes.length > 0 ? writes.map(({ tag }) => tag) : keys;
    const own = [...this.sentAwayAt].filter(([command]) => words.some((word) => command.split(' ').includes(word)));
    return Math.max(0, ...own.map(([, times]) => times.filter((time) => time >= at).length));
  }

  /** Whether a node has refused something, and run the other, which the client had written before it was told of that. */
  hasTurned(refused: Execution, run: Execution): boolean {
    const writtenAt = this.writtenAt.get(`${run.node.name} ${run.tag}`) ?? Infinity;
    const refusals = this.refusals.get(refused.tag) ?? [];
    return refusals.some(({ node, toldAt }) => node === run.node && writtenAt <= toldAt);
  }

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

/** What the caller has given, by key; nothing of what reads. */
export function tagsOf([name = '', ...args]: readonly string[]): readonly string[] {
  switch (name) {
    case 'MSET':
      return args.filter((_, at) => at % 2 === 1);
    case 'EVAL':
      return [args[3]!];
    case 'RPUSH':
    case 'SET':
    case 'PUBLISH':
    case 'SPUBLISH':
      return [args[1]!];
    default:
      return [];
  }
}
