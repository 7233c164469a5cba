import { lastValueFrom, timeout } from 'rxjs';
import type { Client } from './place';

/** How long a server may take for its last replies, ms. */
const PATIENCE = 2000;

/** Closes a client in good order, or at once when the server says no more. */
export function leave(redis: Client): Promise<void> {
  const close$ = redis.close().pipe(timeout({ first: PATIENCE, with: () => redis.destroy() }));
  return lastValueFrom(close$, { defaultValue: undefined });
}
