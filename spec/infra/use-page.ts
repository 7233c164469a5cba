import { getRedisToken } from 'rxjs-redis/nestjs';
import { Faults } from '../../infra/demo/faults';
import { layLine, type Line } from '../../infra/demo/line';
import { oneServer } from '../../infra/demo/own-servers';
import { startPage, type Page } from '../../infra/demo/page/start-page';
import type { Stage } from '../../infra/demo/page/stage';
import type { Client } from '../../infra/demo/place';
import { Space } from '../../infra/demo/space';
import type { Venue } from '../../infra/demo/venue';
import type { RunningServer } from '../../infra/servers';

/** A page that is served, and what it shows. */
export interface ServedPage extends Page, Stage {
  readonly line: Line;
  /** a client that the page shows */
  client(name: string): Client;
}

type Place = Pick<Venue, 'place' | 'space' | 'servers'>;

/** Serves the page of a demo at a server, a new one for each spec. @returns an accessor for use inside specs and hooks */
export function usePage(server: () => RunningServer): () => ServedPage {
  let pages = 0;
  return usePageAt(() => ({
    place: { kind: 'server', url: server().url },
    space: new Space(`vitals:${++pages}`),
    servers: oneServer(server()),
  }));
}

/** The same at the servers of a venue. */
export function usePageAt(venue: () => Place): () => ServedPage {
  let served: ServedPage | undefined;
  beforeEach(async () => {
    const { place, space, servers } = venue();
    const line = await layLine(place);
    const faults = new Faults(line, servers);
    const publisher = line.client('publisher');
    const stage = { title: 'A machine', place, line, space, publisher, faults, master$: servers?.master$ };
    const page = await startPage(stage);
    const client = (name: string): Client =>
      name === 'publisher' ? publisher : page.app.get<Client>(getRedisToken(name));
    served = { ...page, ...stage, client };
  });
  afterEach(async () => {
    if (served === undefined) return;
    await served.faults[Symbol.asyncDispose]();
    await served[Symbol.asyncDispose]();
    await served.publisher.destroy();
    await served.line[Symbol.asyncDispose]();
    served = undefined;
  });
  return () => {
    if (served === undefined) throw new Error('usePage: the page is there in specs and hooks, not before');
    return served;
  };
}
