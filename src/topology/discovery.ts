import {
  EMPTY,
  catchError,
  defer,
  filter,
  finalize,
  first,
  forkJoin,
  map,
  merge,
  of,
  race,
  shareReplay,
  switchMap,
  take,
  timer,
  type Observable,
  type Subscription,
} from 'rxjs';
import { call } from '../commands/call';
import { inBackground, type Clock } from '../connection/clock';
import { isFinal } from '../connection/refusals';
import type { RedisError } from '../errors';
import type { ServerAddress, Translate } from '../options/addresses';
import type { Frame } from '../resp/frames';
import { Heirs } from './heirs';
import type { ClusterNode } from './node';
import { Silence } from './silence';
import { readView, type ClusterView } from './slot-map';
import type { Topology } from './topology';

/** Views are asked for no more often, ms; the pause grows while they are wanted in a row. */
const LEAST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;
/** A pause after which the next view is not one of a row any more, ms. */
const QUIET = 5_000;
/** Without a reason a view is asked for so often, ms. */
const PERIOD = 30_000;
/** So often those that are there are asked in vain before all others are as well: they may have left the cluster. */
const IN_VAIN = 2;
/** How long a node may take to answer, ms, and how long before the next is asked as well. */
const PATIENCE = 1_000;
const HEDGE = 200;
/** How often it is looked after silent nodes, and after those that no view names, ms. */
const ROUND = 250;

/** What is asked, and of whom. */
export interface DiscoveryParts {
  readonly topology: Topology;
  readonly clock: Clock;
  readonly seeds: readonly ServerAddress[];
  readonly translate: Translate;
  /** how long it may go unnoticed that a slot has moved, ms, but no less than a view takes to be asked for again */
  readonly staleAfter: () => number;
  /** told why no node could be asked */
  readonly failed: (error: RedisError) => void;
}

/**
 * Finds out which node has which slots: asks one node after the other, over links that are there, until one gives a view. It does so once
 * at a time, however many want to know.
 */
//  stale$, a period ─▶ a pause ─▶ ask: a node, the next, … ─▶ a view ─▶ Topology
export class Discovery {
  private asking = false;
  private wanted = false;
  private pause = LEAST_PAUSE;
  /** How often in a row no view was taken; and whether all nodes are asked now, not only those that are there. */
  private inVain = 0;
  private asksAll = false;
  private endedAt = -Infinity;
  private next: Subscription | undefined;
  private round: Subscription | undefined;
  private question: Subscription | undefined;
  /** The view of a node that knows none of the nodes that were known. */
  private stranger: { readonly view: ClusterView; readonly viewedAt: number; readonly by: ClusterNode } | undefined;
  private period: Subscription | undefined;
  private readonly heirs: Heirs;
  private readonly silence: Silence;
  private hasEnded = false;
  private hasBegun = false;

  constructor(private readonly parts: DiscoveryParts) {
    this.heirs = new Heirs(parts.topology, parts.clock, parts.translate, () => this.want());
    this.silence = new Silence(parts.topology);
    parts.topology.stale$.subscribe(() => this.want());
  }

  /** A view is wanted, soon. */
  want(): void {
    if (this.hasEnded) return;
    this.begin();
    this.wanted = true;
    if (this.parts.topology.isIncomplete) this.heirs.look();
    if (this.asking) return;
    const { clock } = this.parts;
    const now = clock.now();
    if (now - this.endedAt > QUIET) this.pause = LEAST_PAUSE;
    this.schedule(Math.max(0, this.endedAt + this.pause - now));
  }

  private begin(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.lookAround();
  }

  private schedule(delay: number): void {
    if (this.next !== undefined) return;
    const at = this.parts.clock.schedule(() => {
      this.next = undefined;
      this.ask();
    }, delay);
    this.next = at;
  }

  private ask(): void {
    if (this.hasEnded || this.asking) return;
    this.period?.unsubscribe();
    this.asking = true;
    this.wanted = false;
    this.stranger = undefined;
    const live = this.live();
    // No link is made for a view while there is one that gives views.
    this.asksAll = live.length === 0 || this.inVain >= IN_VAIN;
    const asked = this.asksAll ? new Set([...live, ...this.everNamed()]) : live;
    const taken$ = this.askOneOf([...asked]).pipe(first(Boolean, false));
    this.question = taken$.subscribe((isTaken) => this.asked(isTaken || this.followStranger()));
  }

  private asked(hasView: boolean): void {
    this.asking = false;
    if (this.hasEnded) return;
    const { clock, topology } = this.parts;
    this.inVain = hasView ? 0 : this.stranger === undefined ? this.inVain + 1 : IN_VAIN;
    this.endedAt = clock.now();
    this.pause = Math.min(LONGEST_PAUSE, this.pause * (1.3 + Math.random() * 0.5));
    if (this.wanted || !hasView || topology.isIncomplete) this.want();
    else this.askLater();
  }

  private askLater(): void {
    const { clock, staleAfter } = this.parts;
    const period = Math.min(PERIOD, staleAfter() / 1.25);
    this.period?.unsubscribe();
    this.period = inBackground(clock.schedule(() => this.want(), period * (0.75 + Math.random() / 2)));
  }

  /** Moves are to be noticed sooner from now on, or may be noticed later. */
  hasten(): void {
    if (this.period?.closed === false && !this.asking && this.next === undefined) this.askLater();
  }

  /** Those that are there, and first those that know first: the replicas of masters that are gone. */
  private live(): ClusterNode[] {
    const { topology } = this.parts;
    const heirs: ClusterNode[] = [];
    const there: ClusterNode[] = [];
    for (const node of topology.nodes.values()) {
      if (node.isLost || node.isSuspected) heirs.push(...node.replicas.filter(({ isReady }) => isReady));
      else if (node.isReady) there.push(node);
    }
    return [...new Set([...heirs, ...shuffled(there)])];
  }

  /** The nodes that are known, and those of the options. */
  private everNamed(): ClusterNode[] {
    const { topology, seeds } = this.parts;
    const known = shuffled([...topology.nodes.values()]);
    const given = seeds.map((seed) => topology.nodeAt(seed));
    // In turn: many that were known may all be silent.
    const both = Array.from({ length: Math.max(known.length, given.length) }, (_, n) => [known[n], given[n]]).flat();
    return both.filter((node) => node !== undefined);
  }

  /** Asks one after the other, the next also while one is silent. Emits whether views were taken. */
  private askOneOf([next, ...others]: readonly ClusterNode[]): Observable<boolean> {
    if (next === undefined) return EMPTY;
    const isTaken$ = this.askAt(next).pipe(shareReplay({ bufferSize: 1, refCount: true }));
    const others$ = merge(isTaken$, timer(HEDGE, this.parts.clock).pipe(map(() => false))).pipe(
      take(1),
      switchMap((isTaken) => (isTaken ? EMPTY : this.askOneOf(others))),
    );
    return merge(isTaken$, others$);
  }

  private askAt(node: ClusterNode): Observable<boolean> {
    return defer(() => {
      node.isAsked = true;
      node.refusal = undefined;
      return this.viewOf(node);
    }).pipe(
      finalize(() => (node.isAsked = false)),
      catchError((error: RedisError) => {
        if (node.isReady && isFinal(error)) node.refusal = error;
        if (!node.isReady || node.refusal !== undefined) this.noteHopeless(error);
        return of(false);
      }),
    );
  }

  /** All nodes tell of another cluster: that has been made anew, and its epochs with it. */
  private followStranger(): boolean {
    const { stranger } = this;
    if (stranger === undefined || !this.asksAll) return false;
    this.stranger = undefined;
    const { topology } = this.parts;
    topology.learned.clear();
    topology.apply(stranger.view, Infinity, stranger.viewedAt, stranger.by);
    return true;
  }

  private noteHopeless(error: RedisError): void {
    const { topology, failed } = this.parts;
    failed(error);
    const nodes = [...topology.nodes.values()];
    const isUnknown = topology.epoch === undefined;
    const isHopeless =
      nodes.length > 0 &&
      nodes.every(({ connection, error: lost, refusal }) =>
        lost === undefined ? isUnknown && refusal !== undefined : connection.isHopeless,
      );
    topology.hopeless = isHopeless ? error : undefined;
    if (isHopeless) topology.failHopeless(error);
  }

  /** Asks a node. @returns whether its view was taken */
  private viewOf(node: ClusterNode): Observable<boolean> {
    const { topology, clock, translate } = this.parts;
    const { connection } = node;
    return defer(() => {
      connection.open();
      const ready$ = connection.state$.pipe(
        filter(({ kind }) => kind === 'ready' || kind === 'reconnecting' || kind === 'closed'),
        take(1),
        map((state) => {
          if (state.kind === 'reconnecting') throw state.error;
          if (state.kind === 'closed') throw connection.closedError();
          const askedAt = topology.learned.count;
          return { askedAt, begin: clock.now() };
        }),
      );
      const answered$ = ready$.pipe(
        switchMap(({ askedAt, begin }) => {
          const slots$ = connection.line.sendAhead(call<Frame>('CLUSTER SLOTS'));
          const info$ = connection.line.sendAhead(call<Frame>('CLUSTER INFO')).pipe(
            catchError((error: RedisError) => {
              if (!isFinal(error)) throw error;
              return of(undefined);
            }),
          );
          return forkJoin([slots$, info$]).pipe(
            map(([slots, info]) => {
              const told = readView(slots, info ?? '', node.host, translate);
              // A user may be allowed to ask for slots alone: what they are then counts as of the epoch that is known.
              const view = info === undefined ? { ...told, epoch: topology.epoch ?? 0 } : told;
              const isOk = info === undefined || (typeof info === 'string' && info.includes('cluster_state:ok'));
              if (topology.isStrange(view)) {
                if (isOk) this.stranger ??= { view, viewedAt: begin, by: node };
                return false;
              }
              const { epoch = 0 } = topology;
              const isOlder = view.epoch < epoch;
              // A node that has not met the others yet, or has lost them, may raise its epoch all the same: it counts where nothing else is known.
              const isApart = !isOk && epoch > 0;
              if (view.ranges.length === 0 || isOlder || isApart) return false;
              if (topology.apply(isOk ? view : { ...view, epoch: 0 }, askedAt, begin, node) || !isOk)
                this.wanted = true;
              return true;
            }),
          );
        }),
      );
      return race(answered$, timer(PATIENCE, clock).pipe(map(() => false)));
    });
  }

  /** Looks after nodes that are silent, and after those that nothing needs. */
  private lookAround(): void {
    if (this.hasEnded) return;
    const { topology, clock } = this.parts;
    this.silence.look(clock.now());
    topology.leaveSilent();
    topology.retire();
    if ([...topology.nodes.values()].some(({ isSuspected }) => isSuspected)) {
      this.want();
      this.heirs.look();
    }
    this.round = inBackground(clock.schedule(() => this.lookAround(), ROUND));
  }

  end(): void {
    this.hasEnded = true;
    this.heirs.end();
    for (const timing of [this.next, this.round, this.period, this.question]) timing?.unsubscribe();
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}
