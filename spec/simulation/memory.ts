import { Request } from '../../src/commands/request';
import { Topic } from '../../src/pubsub/topic';
import type { SimulatedClient } from './client';
import { Link } from './link';
import type { Settings } from './plan';

/** Memory that a client has for itself beside its buffer for writing, bytes: what it has not read to its end. */
const SMALL = 4096;

/** Measures what a client holds: after all has been done as much as before anything was. */
export class Memory {
  private readonly floor: ReadonlyMap<string, number>;

  constructor(
    private readonly client: SimulatedClient,
    private readonly settings: Settings,
  ) {
    this.floor = listenersOf(client);
  }

  /** What a client that lives and has nothing to do holds more than it should, in words. */
  get excess(): string[] {
    const { client, floor } = this;
    const excess: string[] = [];
    for (const [name, count] of listenersOf(client)) {
      const before = floor.get(name);
      if (count !== before) excess.push(`${count} ${name}, and ${before} at the beginning`);
    }
    const residents = client.carrier?.line.residents.count ?? 1;
    if (residents !== 1) excess.push(`${residents} residents of the connection for messages`);
    const { requests, topics, links, bytes } = weigh([client.connection, client.subscriptions]);
    if (requests > 0) excess.push(`${requests} requests`);
    if (topics > 0) excess.push(`${topics} topics`);
    // The connection of its own that messages need in RESP2 is one more.
    if (links > 2) excess.push(`${links} sockets`);
    if (bytes > 2 * this.settings.writeBufferSize + SMALL) excess.push(`${bytes} bytes of buffers`);
    return [...excess, ...remainsOf(client)];
  }
}

/** What a client still holds of what has been done, in words; nothing when its memory is at its floor. */
export function remainsOf({ connection, subscriptions }: SimulatedClient): string[] {
  const remains: string[] = [];
  if (connection.line.pending > 0) remains.push(`${connection.line.pending} requests`);
  for (const [name, count] of subscriptions.holdings) if (count !== 0) remains.push(`${count} ${name}`);
  return remains;
}

/** Who listens to what, by its name and how many they are. */
function listenersOf({ connection }: SimulatedClient): Map<string, number> {
  const { line, state$, events$ } = connection;
  const counts = new Map<string, number>();
  counts.set('listeners of sessionCommands$', line.sessionCommands$.size);
  for (const [name, { observers }] of Object.entries({ state$, events$, idle$: line.drain.idle$ }))
    counts.set(`listeners of ${name}`, observers.length);
  return counts.set('residents', line.residents.count);
}

/** The topics that the client has just now. */
export function topicsIn({ subscriptions }: SimulatedClient): readonly Topic[] {
  return [...reachable([subscriptions])].filter((thing) => thing instanceof Topic);
}

/** What can be reached from objects by way of their fields weighs so much: what stands in closures alone cannot be seen. */
export function weigh(roots: readonly object[]): { requests: number; topics: number; links: number; bytes: number } {
  const weight = { requests: 0, topics: 0, links: 0, bytes: 0 };
  const memory = new Set<ArrayBufferLike>();
  for (const thing of reachable(roots)) {
    if (thing instanceof Uint8Array) {
      if (!memory.has(thing.buffer)) weight.bytes += thing.buffer.byteLength;
      memory.add(thing.buffer);
    } else if (thing instanceof Link) weight.links++;
    else if (thing instanceof Request) weight.requests++;
    else if (thing instanceof Topic) weight.topics++;
  }
  return weight;
}

/** All objects that can be reached from others by way of their fields. */
function reachable(roots: readonly object[]): ReadonlySet<object> {
  const seen = new Set<object>();
  const waiting: unknown[] = [...roots];
  while (waiting.length > 0) {
    const thing = waiting.pop();
    if (typeof thing !== 'object' || thing === null || seen.has(thing)) continue;
    seen.add(thing);
    if (thing instanceof Uint8Array || thing instanceof Link) continue;
    if (thing instanceof Map) waiting.push(...thing.keys(), ...thing.values());
    else if (thing instanceof Set) waiting.push(...thing);
    // The client's clock is the simulation's, and so is all that hangs on it.
    for (const [name, value] of Object.entries(thing))
      if (name !== 'clock' && name !== 'scheduler') waiting.push(value);
  }
  return seen;
}
