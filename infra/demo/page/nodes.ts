import { Inject, Injectable } from '@nestjs/common';
import { combineLatest, distinctUntilChanged, EMPTY, map, shareReplay, tap, timer, type Observable } from 'rxjs';
import { RedisCluster } from 'rxjs-redis';
import { InjectRedis } from 'rxjs-redis/nestjs';
import { nameOf, type Client } from '../place';
import { Journal } from './journal';
import { STAGE, type Stage } from './stage';

/** Between two looks at the links of a client, ms. */
const INTERVAL = 200;

/** A server of several, by its own address. */
export interface NodePicture {
  readonly address: string;
  readonly role: 'master' | 'replica';
  /** the address of its master; undefined where that is not known */
  readonly master: string | undefined;
  /** how many slots of a cluster it has; undefined where there is no cluster */
  readonly slots: number | undefined;
  /** what the connection of the client to it is doing; undefined where there is none */
  readonly state: string | undefined;
}

/** The servers as the client `page` knows them, where they are several. */
@Injectable()
export class Nodes {
  readonly pictures$: Observable<readonly NodePicture[]>;
  #last: readonly NodePicture[] = [];

  constructor(
    @InjectRedis('page') redis: Client,
    @Inject(STAGE) private readonly stage: Stage,
    @Inject(Journal) private readonly journal: Journal,
  ) {
    this.pictures$ = (redis instanceof RedisCluster ? this.#ofCluster(redis) : this.#behindSentinels(redis)).pipe(
      distinctUntilChanged((one, other) => JSON.stringify(one) === JSON.stringify(other)),
      tap((pictures) => this.#noteRoles(pictures)),
      shareReplay({ bufferSize: 1, refCount: true }),
    );
  }

  #ofCluster(cluster: RedisCluster): Observable<readonly NodePicture[]> {
    const { line } = this.stage;
    return cluster.nodes$.pipe(
      map((nodes) =>
        nodes.map(({ address, role, master, slots, state }) => ({
          ...{ role, slots, state },
          address: line.leadsTo(address),
          master: master && line.leadsTo(master),
        })),
      ),
      map(inOrder),
    );
  }

  /** Which is the master a sentinel says, and to which it is connected the client. */
  #behindSentinels(redis: Client): Observable<readonly NodePicture[]> {
    const { place, line, master$ } = this.stage;
    if (place.kind !== 'sentinels' || master$ === undefined) return EMPTY;
    return combineLatest([master$, timer(0, INTERVAL)]).pipe(
      map(([master]) => {
        const links = redis.inspect().links.map((link) => ({ ...link, address: line.leadsTo(link.address) }));
        return place.servers.map(nameOf).map((address): NodePicture => {
          const isMaster = address === master;
          return {
            address,
            role: isMaster ? 'master' : 'replica',
            master: isMaster ? undefined : master,
            slots: undefined,
            state: links.find((link) => link.address === address)?.state,
          };
        });
      }),
      map(inOrder),
    );
  }

  /** Says which nodes have become masters or replicas. */
  #noteRoles(pictures: readonly NodePicture[]): void {
    const before = new Map(this.#last.map(({ address, role }) => [address, role]));
    this.#last = pictures;
    for (const { address, role, slots } of pictures) {
      const then = before.get(address);
      if (then === undefined || then === role) continue;
      const of = slots === undefined || role === 'replica' ? '' : ` of ${slots} slots`;
      this.journal.write({ kind: 'back', text: `page: ${address} is a ${role}${of} now` });
    }
  }
}

/** By address, so that none changes its place when its role changes. */
function inOrder(pictures: readonly NodePicture[]): readonly NodePicture[] {
  return pictures.toSorted((one, other) => (one.address < other.address ? -1 : 1));
}
