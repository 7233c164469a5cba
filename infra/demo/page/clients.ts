import { Inject, Injectable } from '@nestjs/common';
import { distinctUntilChanged, map, merge, mergeMap, share, timer, type Observable } from 'rxjs';
import type { ConnectionEvent, InspectedLink } from 'rxjs-redis';
import { InjectRedis } from 'rxjs-redis/nestjs';
import type { Note } from '../model/journal';
import type { Client } from '../place';
import { tellState } from '../view/tell';
import { STAGE, type Stage } from './stage';

/** Between two looks at the clients, ms. */
const INTERVAL = 200;

/** What a client says of itself in `state$` and `inspect()`. */
export interface ClientPicture {
  readonly name: string;
  readonly does: string;
  /** the state, with attempt and delay */
  readonly state: string;
  readonly isReady: boolean;
  readonly queued: number;
  readonly inFlight: number;
  readonly toRepeat: number;
  /** commands that wait at the server */
  readonly blocking: number;
  readonly subscriptions: number;
  readonly links: readonly Pick<InspectedLink, 'role' | 'state' | 'id'>[];
  readonly lastError: string | undefined;
}

interface Watched {
  readonly name: string;
  readonly does: string;
  readonly redis: Client;
}

/** The clients of the demo, as they see themselves. */
@Injectable()
export class Clients {
  /** emits what has changed, several times a second */
  readonly pictures$: Observable<readonly ClientPicture[]>;
  /** what happens to their connections */
  readonly notes$: Observable<Note>;
  readonly #watched: readonly Watched[];
  /** the latest of each `state$` */
  readonly #states = new Map<string, string>();

  constructor(
    @Inject(STAGE) { publisher }: Stage,
    @InjectRedis('page') page: Client,
    @InjectRedis('workers') workers: Client,
    @InjectRedis('reader') reader: Client,
  ) {
    this.#watched = [
      { name: 'publisher', does: 'publishes and keeps the vital signs', redis: publisher },
      { name: 'page', does: 'listens for all windows, and draws for them', redis: page },
      { name: 'workers', does: 'fill the queue and empty it', redis: workers },
      { name: 'reader', does: 'follows a key, and keeps what it reads', redis: reader },
    ];
    for (const { name, redis } of this.#watched) {
      redis.state$.subscribe((state) => this.#states.set(name, tellState(state)));
    }
    this.notes$ = merge(
      ...this.#watched.map(({ name, redis }) => redis.events$.pipe(mergeMap((event) => notesOf(name, event)))),
    ).pipe(share());
    this.pictures$ = timer(0, INTERVAL).pipe(
      map(() => this.pictures()),
      distinctUntilChanged((one, other) => JSON.stringify(one) === JSON.stringify(other)),
    );
  }

  pictures(): readonly ClientPicture[] {
    return this.#watched.map(({ name, does, redis }) => {
      const { state, queued, inFlight, toRepeat, blocking, subscriptions, links, lastError } = redis.inspect();
      const { channel, pattern, shard } = subscriptions;
      return {
        ...{ name, does, queued, inFlight, toRepeat },
        state: this.#states.get(name) ?? state,
        isReady: state === 'ready',
        blocking: blocking.count,
        subscriptions: channel + pattern + shard,
        links: links.map(({ role, state, id }) => ({ role, state, id })),
        lastError: lastError?.message,
      };
    });
  }
}

/** Says in a line what an event tells; attempts in between are seen in the state. */
function notesOf(client: string, event: ConnectionEvent): readonly Note[] {
  const who = event.connection === 'messages' ? `${client}, messages` : client;
  switch (event.type) {
    case 'connect':
      return [{ kind: 'back', text: `${who}: connected, RESP${event.protocol}` }];
    case 'disconnect':
      return event.reason === 'closed_by_user'
        ? []
        : [{ kind: 'lost', text: `${who}: ${event.reason.replaceAll('_', ' ')}` }];
    case 'reconnecting':
      return event.attempt % 5 === 0 ? [{ kind: 'lost', text: `${who}: attempt ${event.attempt} to reconnect` }] : [];
    case 'error':
    case 'watch':
      return [];
  }
}
