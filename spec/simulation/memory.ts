import type { SimulatedClient } from './client';

/** What a destroyed client still holds, in words; nothing when its memory is at its floor. */
export function remainsOf({ connection, pubsub }: SimulatedClient): string[] {
  const remains: string[] = [];
  const { multiplexer } = connection;
  const { backlog, greetings, inFlight } = multiplexer as unknown as Record<string, unknown>;
  for (const [name, line] of Object.entries({ backlog, greetings, inFlight })) {
    const size = sizeOf(line);
    if (size !== 0) remains.push(`${size} requests in ${name}`);
  }
  const { all } = pubsub as unknown as { all: readonly Record<string, unknown>[] };
  for (const subscriptions of all) {
    for (const name of ['topics', 'asked']) {
      const size = sizeOf(subscriptions[name]);
      if (size !== 0) remains.push(`${size} ${name} of ${String(subscriptions.kind)}`);
    }
  }
  return remains;
}

/** @throws Error when the client has no such thing: what is not there cannot be empty */
function sizeOf(thing: unknown): number {
  if (typeof thing === 'object' && thing !== null) {
    if ('length' in thing && typeof thing.length === 'number') return thing.length;
    if ('size' in thing && typeof thing.size === 'number') return thing.size;
  }
  throw new Error('the client is not made as the simulation expects: memory.ts has to follow');
}
