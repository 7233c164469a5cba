import { SLOTS } from '../../../src/resp/hash-slot';

/** Who has which slots and follows whom, as all nodes know it in the end. Nodes are told apart by their numbers. */
export interface Config {
  readonly epoch: number;
  /** by slot; -1 for none */
  readonly owners: readonly number[];
  /** by node: the master that it follows, itself where it is one, -1 where it is no member */
  readonly masters: readonly number[];
}

/** What a node knows that has been forgotten by the others. */
export const ALONE: Config = { epoch: 0, owners: new Array<number>(SLOTS).fill(-1), masters: [] };

export const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
export const list = (items: readonly string[]): string => `*${items.length}\r\n${items.join('')}`;

/** How servers name addresses: by the host; or not, where the one that answered is meant. */
export type Endpoint = 'named' | 'unnamed';

/** CLUSTER SLOTS as a node answers it that knows this. */
export function slotsOf({ owners, masters }: Config, endpoint: Endpoint): string {
  const rows: string[] = [];
  const name = endpoint === 'named' ? bulk('node') : '_\r\n';
  const node = (index: number) => list([name, `:${index + 1}\r\n`, bulk(`id-${index}`), '*0\r\n']);
  for (let from = 0, to = 0; from < SLOTS; from = to + 1) {
    const owner = owners[from]!;
    for (to = from; owners[to + 1] === owner;) to++;
    if (owner < 0) continue;
    const replicas = masters.flatMap((master, index) => (master === owner && index !== owner ? [node(index)] : []));
    rows.push(list([`:${from}\r\n`, `:${to}\r\n`, node(owner), ...replicas]));
  }
  return list(rows);
}

/** Where MOVED and ASK lead. */
export function addressOf(index: number, endpoint: Endpoint): string {
  return `${endpoint === 'named' ? 'node' : ''}:${index + 1}`;
}
