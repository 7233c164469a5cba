import type { Redis } from 'rxjs-redis';
import { getRedisToken } from 'rxjs-redis/nestjs';
import { Faults } from '../../infra/demo/faults';
import { layLine, type Line } from '../../infra/demo/line';
import { startPage, type Page } from '../../infra/demo/page/start-page';
import { Space } from '../../infra/demo/space';
import type { RunningServer } from '../../infra/servers';

/** A page that is served, and what it shows. */
export interface ServedPage extends Page {
  readonly space: Space;
  readonly line: Line;
  readonly faults: Faults;
  readonly publisher: Redis;
  /** a client that the page shows */
  client(name: string): Redis;
}

/** Serves the page of a demo at a server, a new one for each spec. @returns an accessor for use inside specs and hooks */
export function usePage(server: () => RunningServer): () => ServedPage {
  let served: ServedPage | undefined;
  let pages = 0;
  beforeEach(async () => {
    const space = new Space(`vitals:${++pages}`);
    const line = await layLine(server().url);
    const faults = new Faults(line, server());
    const publisher = line.client('publisher');
    const page = await startPage({ title: 'A machine', line, space, publisher, faults });
    const client = (name: string): Redis =>
      name === 'publisher' ? publisher : page.app.get<Redis>(getRedisToken(name));
    served = { ...page, space, line, faults, publisher, client };
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
