import type { Observable } from 'rxjs';
import { catchError, defer, filter, map, of, tap, throwError } from 'rxjs';
import { knownCall } from '../commands/known-commands';
import type { Guide } from '../connection/guide';
import type { ServerInfo } from '../connection/hello';
import type { Send } from '../connection/resident';
import type { Endpoint } from '../connection/socket';
import { AuthenticationError, ConnectionError, ReplyError, type RedisError } from '../errors';
import { nameOf } from '../options/addresses';
import type { ResolvedSentinels } from '../options/sentinels';
import type { Frame } from '../resp/frames';
import { readSaidRole, type SaidRole } from './sentinel-replies';
import type { Change, Place, Sentinels } from './sentinels';

/** What servers call themselves, for people. */
const SAID: Readonly<Record<SaidRole, string>> = {
  master: 'a master',
  replica: 'a replica',
  unlinked: 'a replica that has lost its master',
  syncing: 'a replica that has no data yet',
  sentinel: 'a sentinel',
};

/** Leads one connection to a server of the service that sentinels know. */
export class SentinelGuide implements Guide {
  readonly name: string;
  readonly moved$: Observable<RedisError>;
  readonly held$: Observable<number>;
  /** Where the last link was to lead. */
  private place: Place | undefined;
  /** The server there has said that it is what is wanted. */
  private isConfirmed = false;
  /** Where the next link leads to without asking, because a sentinel has just told. */
  private hint: Place | undefined;
  /** The link, or the attempt at one, is being left. */
  private isLeaving = false;

  constructor(
    private readonly sentinels: Sentinels,
    private readonly options: ResolvedSentinels,
  ) {
    this.name = options.service;
    this.moved$ = sentinels.change$.pipe(
      filter((change) => this.concerns(change)),
      map(({ why }) => new ConnectionError(why)),
    );
    this.held$ = sentinels.promotion.hold$.pipe(filter(() => options.role === 'master'));
  }

  endpoint(): Observable<Endpoint> {
    return defer(() => {
      const { hint, place } = this;
      this.hint = undefined;
      this.isLeaving = false;
      // What could not be reached, or was something else, is doubted: another answer is preferred.
      const doubted = place !== undefined && !this.isConfirmed ? nameOf(place.address) : undefined;
      if (doubted !== undefined && place?.isLinked) this.sentinels.links.doubt(place.address);
      return hint !== undefined && nameOf(hint.address) !== doubted ? of(hint) : this.sentinels.locate(doubted);
    }).pipe(
      tap((place) => {
        this.place = place;
        this.isConfirmed = false;
      }),
      map(({ address }) => this.sentinels.endpointAt(address)),
    );
  }

  confirm(send: Send, server: ServerInfo): Observable<unknown> {
    return send(knownCall('ROLE', [])).pipe(
      map((frame) => readSaidRole(frame as Frame)),
      map((said) => (said === 'unlinked' && !this.place?.isLinked ? 'replica' : said)),
      // A user may not be allowed to ask.
      catchError((error: unknown) => {
        if (error instanceof ReplyError && !(error instanceof AuthenticationError)) return of(undefined);
        return throwError(() => error);
      }),
      tap((said = saidBy(server)) => {
        const { place } = this;
        if (place === undefined || said === undefined || said === place.as) this.isConfirmed = true;
        else throw this.wrong(place, said);
      }),
    );
  }

  holding(): number {
    return this.options.role === 'master' ? this.sentinels.promotion.holding : 0;
  }

  /** Whether a change concerns the link, or the attempt at one. */
  private concerns(change: Change): boolean {
    const { place, options } = this;
    if (place === undefined) return false;
    const isSame = nameOf(change.address) === nameOf(place.address);
    switch (change.kind) {
      case 'master':
        // The server of a replica is one no longer where it is the master now.
        if (place.as === 'replica') return isSame;
        // A link that is being left for another comes back, where that is taken back.
        this.hint =
          (isSame && !this.isLeaving) || options.role !== 'master'
            ? undefined
            : { address: change.address, as: 'master' };
        if (!isSame) this.isLeaving = true;
        return !isSame;
      case 'away':
        if (place.as !== 'replica' || !isSame || (change.bySelf && place.isLast)) return false;
        // Others may name it still.
        this.isConfirmed = false;
        return true;
      case 'there':
        return place.as === 'master' && options.role === 'prefer-replica';
    }
  }

  private wrong({ address, as, isLinked }: Place, said: SaidRole): ConnectionError {
    const wanted = as === 'master' ? 'the master' : isLinked ? 'a linked replica' : 'a replica';
    return new ConnectionError(
      `${nameOf(address)} is ${SAID[said]}, and ${wanted} of '${this.options.service}' is wanted`,
    );
  }
}

/** What a server has said of itself in its reply to HELLO. */
function saidBy({ mode, role }: ServerInfo): SaidRole | undefined {
  if (mode === 'sentinel') return 'sentinel';
  return role === 'master' || role === 'replica' ? role : undefined;
}
