import { Observable, Subject, defer, of } from 'rxjs';
import type { Clock } from '../connection/clock';
import type { Connection } from '../connection/connection';
import type { Guide } from '../connection/guide';
import type { Endpoint } from '../connection/socket';
import { AuthenticationError, ConnectionError, ReplyError, type RedisError } from '../errors';
import type { ResolvedOptions } from '../options';
import { nameOf, type ServerAddress } from '../options/addresses';
import type { ResolvedSentinels } from '../options/sentinels';
import type { InspectedSentinels } from './inspected-sentinels';
import { MasterBelief, type MasterNews } from './master-belief';
import { Promotion } from './promotion';
import { ReplicaLinks } from './replica-links';
import { Sentinel, type SentinelParts } from './sentinel';
import { SentinelGuide } from './sentinel-guide';
import { Inquiry } from './sentinel-inquiry';
import type { Knowledge, SentinelEvent } from './sentinel-replies';

/** How long a sentinel may take at the most, ms; all of them together no longer than a link may take to be made. */
const LONGEST_ANSWER = 1_000;

/** The part of it that making a link may take. */
const SHARE_OF_DIAL = 0.8;

/** More sentinels than these are not learnt. */
const MOST = 32;

/** What a set of sentinels is made with. */
export interface SentinelsParts {
  readonly clock: Clock;
  readonly options: ResolvedOptions;
  readonly sentinel: ResolvedSentinels;
  /** makes a connection to a sentinel or a server, which is not made again */
  readonly connect: (
    options: Pick<ResolvedOptions, 'host' | 'port' | 'tls' | 'credentials' | 'connectTimeout'>,
  ) => Connection;
  /** told what is wrong with sentinels while others answer */
  readonly tell: (error: RedisError) => void;
}

/** What has become of the servers of a service. */
export type Change =
  | { readonly kind: 'master'; readonly address: ServerAddress; readonly why: string }
  | { readonly kind: 'away' | 'there'; readonly address: ServerAddress; readonly why: string; readonly bySelf?: true };

/** Where a link is to lead, and as what. */
export interface Place {
  readonly address: ServerAddress;
  readonly as: 'master' | 'replica';
  /** a replica that has lost its master is not wanted: that one is up */
  readonly isLinked?: boolean;
  /** its master could not be reached: it is not left because it has lost that */
  readonly isLast?: boolean;
}

/**
 * The sentinels of a service, those of the options and those that these know: asked in turn where a server is, and listened to, all of
 * them, for what happens there.
 */
export class Sentinels {
  /** What has changed, by the word of any sentinel. */
  readonly change$ = new Subject<Change>();
  /** Has the commands wait while a replica is promoted. */
  readonly promotion: Promotion;
  /** What replicas say of themselves, where they are preferred to a master. */
  readonly links: ReplicaLinks;
  private readonly known = new Map<string, Sentinel>();
  private readonly own: SentinelParts;
  /** The one that is asked first. */
  private first: Sentinel | undefined;
  private readonly belief: MasterBelief;
  private hasBegun = false;
  private isOver = false;
  /** What was told of each sentinel last, so that it is told once. */
  private readonly told = new Map<Sentinel, string>();
  /** Which of the replicas is taken next. */
  private turn = Math.floor(Math.random() * 1_024);

  constructor(private readonly parts: SentinelsParts) {
    const { clock, options, sentinel } = parts;
    const { addresses, service, role, tls, credentials } = sentinel;
    this.belief = new MasterBelief(this.known, clock);
    const limit = Math.min(LONGEST_ANSWER, Math.ceil(options.connectTimeout / (addresses.length + 1)));
    this.own = {
      clock,
      service,
      limit,
      asksReplicas: role !== 'master',
      // A link that cannot be made says why, before the question is late.
      connect: ({ host, port }) =>
        parts.connect({ host, port, tls, credentials, connectTimeout: Math.ceil(limit * SHARE_OF_DIAL) }),
      translate: sentinel.translate,
      onKnowledge: (one, knowledge) => this.heard(one, knowledge),
      onEvent: (one, event) => this.happened(one, event),
      onFailure: (one, error) => this.failed(one, error),
    };
    this.promotion = new Promotion({
      clock,
      connect: role === 'master' ? (replica) => this.connectTo(replica) : undefined,
      onPromoted: ({ replica, replaced }, by) => this.moved(this.belief.seen(replica, replaced), by),
    });
    this.links = new ReplicaLinks({
      clock,
      connect: (replica) => this.connectTo(replica),
      onSaid: (address, isLinked) => {
        const why = `The link of ${nameOf(address)} to its master is ${isLinked ? 'there' : 'broken'}, as it says itself`;
        this.change$.next({ kind: isLinked ? 'there' : 'away', address, why, bySelf: true });
      },
    });
    for (const address of addresses) this.add(address, true);
  }

  /** A guide for one connection. */
  guide(): Guide {
    return new SentinelGuide(this, this.parts.sentinel);
  }

  endpointAt({ host, port }: ServerAddress): Endpoint {
    return { ...this.parts.options, host, port };
  }

  /** Makes a connection to a server, to ask it something, which is not made again. */
  connectTo({ host, port }: ServerAddress): Connection {
    const { tls, credentials, connectTimeout } = this.parts.options;
    return this.parts.connect({ host, port, tls, credentials, connectTimeout });
  }

  /** The client has ended. */
  get hasEnded(): boolean {
    return this.isOver;
  }

  /** How many sentinels are known, and to how many of them there is a connection. */
  get size(): number {
    return this.known.size;
  }

  /** What is known of them now. */
  inspected(): InspectedSentinels {
    const { service, role } = this.parts.sentinel;
    const now = this.parts.clock.now();
    const known = this.inOrder().map((sentinel) => {
      const { name: address, isGiven, answeredAt, listens } = sentinel;
      const trouble = this.told.get(sentinel)?.slice(`Sentinel ${address} `.length);
      const answeredAgo = answeredAt === undefined ? undefined : now - answeredAt;
      return { address, isGiven, answeredAgo, listens, trouble };
    });
    return { service, role, master: this.belief.believed, known };
  }

  /**
   * Asks in turn where a server is, the sentinel first that answered last.
   * @param doubted where no link could be made the last time: another answer is preferred to this one
   * @throws ConnectionError that names each sentinel with its reason
   */
  locate(doubted: string | undefined): Observable<Place> {
    return defer(() => {
      this.begin();
      const { belief } = this;
      const { ahead } = belief;
      if (ahead !== undefined && this.parts.sentinel.role === 'master') {
        if (nameOf(ahead) !== doubted) return of<Place>({ address: ahead, as: 'master' });
        belief.ahead = undefined;
      }
      return new Observable<Place>((subscriber) => new Inquiry(this.inOrder(), subscriber, this, doubted).next());
    });
  }

  /** Ends all connections to sentinels. */
  end(): void {
    this.isOver = true;
    this.promotion.stopAsking();
    this.links.end();
    for (const sentinel of this.known.values()) sentinel.end();
    this.known.clear();
  }

  /** The first question: from then on all sentinels are listened to. */
  private begin(): void {
    if (this.hasBegun || this.isOver) return;
    this.hasBegun = true;
    const [first, ...others] = this.known.values();
    this.first = first;
    for (const sentinel of others) sentinel.watch();
  }

  /** Those that answer before those that did not. */
  private inOrder(): Sentinel[] {
    const { first } = this;
    const rank = (sentinel: Sentinel): number => (sentinel === first ? 0 : sentinel.answers ? 1 : 2);
    return [...this.known.values()].sort((one, other) => rank(one) - rank(other));
  }

  private add(address: ServerAddress, isGiven: boolean): Sentinel | undefined {
    const name = nameOf(address);
    if (this.known.has(name) || this.isOver || this.known.size >= MOST) return undefined;
    const sentinel = new Sentinel(address, isGiven, this.own);
    this.known.set(name, sentinel);
    return sentinel;
  }

  /** A sentinel has answered: what it knows may be news, and so may be the sentinels that it knows. */
  private heard(sentinel: Sentinel, knowledge: Knowledge): void {
    if (this.isOver) return;
    // It may have been learnt by another address before it said who it is.
    for (const other of this.known.values()) {
      if (other !== sentinel && !other.isGiven && other.id !== undefined && other.id === sentinel.id)
        this.forget(other);
    }
    this.learn(knowledge.sentinels);
    const { master, epoch, isInTilt, hasReplica, replicas } = knowledge;
    const trouble = this.troubleOf(knowledge);
    if (trouble === undefined) this.told.delete(sentinel);
    else this.tellOnce(sentinel, new ConnectionError(`Sentinel ${sentinel.name} ${trouble}`, { repeatable: true }));
    if (master === undefined || isInTilt) return;
    // Of each its own word: they may disagree for long.
    const isThere = hasReplica && sentinel.hadReplica === false;
    sentinel.hadReplica = hasReplica;
    if (isThere) {
      const [address] = replicas;
      this.change$.next({ kind: 'there', address: address!, why: `Sentinel ${sentinel.name} tells of a replica` });
    }
    if (hasReplica) {
      const { linked } = sentinel;
      sentinel.linked = replicas;
      for (const address of linked) {
        const name = nameOf(address);
        if (replicas.some((one) => nameOf(one) === name)) continue;
        const why = `The link of ${name} to its master is broken, says sentinel ${sentinel.name}`;
        this.change$.next({ kind: 'away', address, why });
      }
    }
    if (this.parts.sentinel.role === 'prefer-replica' && isMasterUp(knowledge)) this.links.heard(replicas, hasReplica);
    const news = this.belief.answered(sentinel, master, epoch);
    if (news !== undefined) this.moved(news, sentinel);
  }

  /** What is wrong with an answer; undefined for nothing. */
  troubleOf({ master, isInTilt, doubts, refusal }: Knowledge): string | undefined {
    const { service } = this.parts.sentinel;
    if (master === undefined) return `does not know '${service}'`;
    if (isInTilt) return 'is in TILT: it has lost track of time';
    const isDown = doubts.filter((doubt) => doubt.endsWith('_down'));
    if (isDown.length === 0) return refusal;
    const agreed = isDown.includes('o_down') ? 'and so do others' : 'and has no quorum for that';
    return `holds the master of '${service}' at ${nameOf(master)} to be down, ${agreed} (${isDown.join(', ')})`;
  }

  private learn(others: ReadonlyMap<string, ServerAddress>): void {
    // One that does not answer may have moved, and is at the address that others tell.
    const ids = new Set([...this.known.values()].filter(({ hasFailed }) => !hasFailed).map(({ id }) => id));
    for (const [id, told] of others) {
      if (ids.has(id)) continue;
      const added = this.add(told, false);
      if (added === undefined) continue;
      added.id = id;
      added.watch();
    }
    // One that was learnt and is named no more is forgotten once it does not answer.
    for (const sentinel of this.known.values()) {
      if (sentinel.isGiven || sentinel.answers || sentinel === this.first || !sentinel.hasFailed) continue;
      const isNamed = [...others.values()].some((told) => nameOf(told) === sentinel.name);
      if (!isNamed) this.forget(sentinel);
    }
  }

  private forget(sentinel: Sentinel): void {
    this.known.delete(sentinel.name);
    this.told.delete(sentinel);
    sentinel.end();
  }

  private failed(sentinel: Sentinel, error: RedisError): void {
    if (this.isOver) return;
    if (this.first === sentinel) this.first = undefined;
    this.tellOnce(sentinel, relayed(error, `Sentinel ${sentinel.name} ${error.message}`));
  }

  private tellOnce(sentinel: Sentinel, error: RedisError): void {
    if (this.told.get(sentinel) === error.message) return;
    this.told.set(sentinel, error.message);
    this.parts.tell(error);
  }

  private happened(sentinel: Sentinel, event: SentinelEvent): void {
    if (this.isOver) return;
    const { belief, promotion } = this;
    switch (event.kind) {
      case 'switched':
        this.moved(belief.told(event.address, sentinel), sentinel);
        // It knows the epoch of this, too.
        sentinel.watch();
        return;
      case 'promoting':
        promotion.announced({ replica: event.address, replaced: event.replaced }, sentinel);
        return;
      case 'aborted': {
        const promoted = promotion.calledOff(sentinel);
        const news = promoted && belief.calledOff(promoted.replica);
        if (news !== undefined) this.moved(news, sentinel);
        return;
      }
      case 'monitored':
        sentinel.watch();
        return;
      default:
        this.change$.next({
          kind: event.kind,
          address: event.address,
          why: `Sentinel ${sentinel.name} tells of ${nameOf(event.address)}: ${event.kind}`,
        });
    }
  }

  private moved({ address, isOther }: MasterNews, by: Sentinel): void {
    const { promotion, parts } = this;
    // The promotion goes on: it is the one that is to be replaced.
    const isSettled = !promotion.replaces(address);
    if (isSettled) promotion.stopAsking();
    const why = `The master of '${parts.sentinel.service}' is ${nameOf(address)} now, says sentinel ${by.name}`;
    this.change$.next({ kind: 'master', address, why });
    // Only now: what is being left writes nothing more.
    if (isSettled && (isOther || promotion.promotes(address))) promotion.letGo();
  }

  /** An answer was good: its sentinel is asked first the next time. */
  prefer(sentinel: Sentinel): void {
    this.first = sentinel;
  }

  /** Whether a sentinel is behind others, by what was heard so far. */
  isStale({ epoch }: Knowledge): boolean {
    return this.belief.isBehind(epoch);
  }

  /** Which server an answer leads to; undefined for none. */
  choose(knowledge: Knowledge, doubted: string | undefined): Place | undefined {
    const { role } = this.parts.sentinel;
    const { master, replicas, hasReplica } = knowledge;
    if (role !== 'master') {
      // What a replica has that has lost its master is better than nothing, and worse than a master.
      const isUp = role === 'prefer-replica' && isMasterUp(knowledge);
      const isLast = isUp && nameOf(master!) === doubted;
      const isLinked = isUp && !isLast;
      const among = isLinked ? replicas.filter((one) => this.links.isLinked(one, hasReplica)) : replicas;
      const places = among.map((address): Place => ({ address, as: 'replica', isLinked, isLast }));
      const trusted = places.filter(({ address }) => nameOf(address) !== doubted);
      if (trusted.length > 0) return trusted[this.turn++ % trusted.length];
      if (role === 'replica' && places.length > 0) return places[this.turn++ % places.length];
    }
    return role === 'replica' || master === undefined ? undefined : { address: master, as: 'master' };
  }

  noPlace({ refusal }: Knowledge): string {
    return refusal ?? `knows no replica of '${this.parts.sentinel.service}' that is up`;
  }

  /** No sentinel has told where the server is. */
  nowhere(reasons: readonly (readonly [Sentinel, RedisError])[]): RedisError {
    const { service, role } = this.parts.sentinel;
    const each = reasons.map(([{ name }, { message }]) => `${name} ${message}`).join('; ');
    const what = role === 'replica' ? 'a replica' : 'the master';
    const message = `No sentinel tells where ${what} of '${service}' is: ${each}`;
    const [first, ...others] = reasons.map(([, error]) => error);
    const isRefused = first instanceof AuthenticationError && others.every((one) => one instanceof AuthenticationError);
    return isRefused
      ? new AuthenticationError(message, first.kind, { repeatable: false, cause: first })
      : new ConnectionError(message, { cause: first });
  }
}

/** A sentinel holds the master to be up. */
function isMasterUp({ master, doubts }: Knowledge): boolean {
  return master !== undefined && !doubts.some((doubt) => doubt.endsWith('_down'));
}

function relayed(error: RedisError, message: string): RedisError {
  const { cause } = error;
  if (error instanceof AuthenticationError) return new AuthenticationError(message, error.kind, { cause });
  if (error instanceof ReplyError) return new ReplyError(message, error.kind, { cause });
  return new ConnectionError(message, { cause });
}
