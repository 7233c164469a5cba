import { clientOf, optionsTo, type Client } from '../../infra/demo/place';
import type { Venue } from '../../infra/demo/venue';

/** Starts the servers of a demo before the specs of a block, and a client that reaches them by no proxy, and ends both behind them. */
export function useVenue(start: () => Promise<Venue>): { readonly venue: () => Venue; readonly direct: () => Client } {
  let venue: Venue | undefined;
  let direct: Client | undefined;
  beforeAll(async () => {
    venue = await start();
    direct = clientOf(optionsTo(venue.place, {}));
    direct.events$.subscribe();
  });
  afterAll(async () => {
    await direct?.destroy();
    await venue?.[Symbol.asyncDispose]();
  });
  return { venue: () => venue!, direct: () => direct! };
}
