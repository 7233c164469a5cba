import { filter, firstValueFrom } from 'rxjs';
import type { ConnectionEvent, Redis, ServerAddress } from 'rxjs-redis';
import { nameOf } from '../../src/options/addresses';

/** A server in the words of a sentinel's event. */
export function words({ host, port }: ServerAddress): string {
  return `${host} ${port}`;
}

/** The words of an event about a replica of a service. */
export function ofReplica(replica: ServerAddress, master: ServerAddress, service = 'mymaster'): string {
  return `slave ${nameOf(replica)} ${words(replica)} @ ${service} ${words(master)}`;
}

/** Resolves once a client has a connection to that server. */
export function leadsTo(redis: Redis, address: ServerAddress): Promise<unknown> {
  const isThere = () => redis.inspect().address === nameOf(address);
  const there = firstValueFrom(redis.state$.pipe(filter(({ kind }) => kind === 'ready' && isThere())));
  // A spec that fails for another reason does not wait for it.
  there.catch(() => undefined);
  return there;
}

/** A client writes nothing for now, because a replica is being promoted. */
export function isHeld(redis: Redis): boolean {
  return heldUntil(redis) > -Infinity;
}

/** Until when that is at the most, on the client's clock, ms. */
export function heldUntil(redis: Redis): number {
  return redis['connection'].line['backlog']['pausedUntil'];
}

/** The time on the clock of a client, ms. */
export function timeOf(redis: Redis): number {
  return redis['connection'].clock.now();
}

/** The messages of the errors that a client tells, all of them or those of one kind of connection. */
export function troubles(redis: Redis, of?: ConnectionEvent['connection']): string[] {
  const told: string[] = [];
  redis.events$.subscribe((event) => {
    if ('error' in event && event.type === 'error' && (of === undefined || event.connection === of))
      told.push(event.error.message);
  });
  return told;
}
