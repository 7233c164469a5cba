import type { Observable } from 'rxjs';
import type { ConnectionEvent, ConnectionState, DisconnectReason } from '../../src/connection/connection-state';
import { Renewal } from '../../src/connection/renewal';
import type { RedisError } from '../../src/errors';
import type { Settings } from './plan';
import type { Circumstances } from './sent';

type Kind = ConnectionState['kind'];

const legal: Record<Kind, readonly Kind[]> = {
  idle: ['connecting', 'closed'],
  connecting: ['ready', 'reconnecting', 'closed'],
  ready: ['reconnecting', 'closed'],
  reconnecting: ['connecting', 'closed'],
  closed: [],
};

/** What a client or a connection tells of itself. */
interface Told {
  readonly state$: Observable<ConnectionState>;
  readonly events$: Observable<ConnectionEvent>;
}

/** What is known of a connection beside what it tells. */
interface Knowledge {
  /** it has been told to close */
  readonly closing: () => boolean;
  readonly onReady: (protocol: 2 | 3) => void;
  /** what may be said of why the last link ended */
  readonly endedFor: () => readonly DisconnectReason[];
  /** the first dial came to nothing */
  readonly onFirstLoss?: () => void;
}

/** Follows a connection from state to state: only legal steps, attempts counted from 1 and used up, events that fit. */
export class States {
  /** It has been ready, or found out that it cannot be yet. */
  dialled = false;
  /** It has left its link on purpose, and no attempt at the next one has failed. */
  renews = false;
  /** Its events have come to their end. */
  ended = false;
  private last: Kind = 'idle';
  /** since a connection lasted as long as the wait before it */
  private attempts = 0;
  /** how long the client said it would wait before the latest attempt, ms */
  private waited = 0;
  private readyAt: number | undefined;
  private connected = false;
  /** when the next attempt may begin, on the clock */
  private notBefore = 0;

  constructor(
    { state$, events$ }: Told,
    private readonly around: Circumstances,
    private readonly knowledge: Knowledge,
    private readonly carries: ConnectionEvent['connection'] = 'commands',
  ) {
    state$.subscribe((state) => this.enter(state));
    events$.subscribe({ next: (event) => this.hear(event), complete: () => (this.ended = true) });
  }

  get closed(): boolean {
    return this.last === 'closed';
  }

  private enter(state: ConnectionState): void {
    const { journal, timeline } = this.around;
    if (state.kind === 'idle') return;
    journal.note('state', state.kind);
    journal.count(state.kind);
    if (!legal[this.last].includes(state.kind)) journal.fail(`the state went from ${this.last} to ${state.kind}`);
    this.last = state.kind;
    switch (state.kind) {
      case 'connecting':
        if (this.knowledge.closing()) journal.fail('a connection is made that is to be closed');
        if (timeline.now() < this.notBefore)
          journal.fail(`attempt ${this.attempts} began ${this.notBefore - timeline.now()} ms too early`);
        break;
      case 'ready':
        this.readyAt = timeline.now();
        this.dialled = true;
        this.renews = false;
        this.knowledge.onReady(state.protocol);
        break;
      case 'reconnecting':
        this.checkAttempt(state);
        if (!this.dialled) this.knowledge.onFirstLoss?.();
        this.dialled = true;
        this.renews = state.error instanceof Renewal;
        break;
      case 'closed':
        this.checkEnd(state.error);
        break;
    }
  }

  private checkAttempt({ attempt, delay: announced }: Extract<ConnectionState, { kind: 'reconnecting' }>): void {
    const { journal, timeline, settings } = this.around;
    const { reconnect } = settings;
    this.countAnew();
    if (attempt !== ++this.attempts) journal.fail(`attempt ${this.attempts} was announced as attempt ${attempt}`);
    if (this.attempts > attemptsOf(reconnect)) journal.fail(`attempt ${attempt} is one more than the options allow`);
    const delay = delayOf(reconnect, this.attempts);
    this.notBefore = timeline.now() + delay;
    this.waited = reconnect === 'waiting' ? 0 : delay;
    if (announced !== (reconnect === 'waiting' ? undefined : delay))
      journal.fail(`attempt ${attempt} was announced for ${announced} ms, not ${delay} ms`);
  }

  /** Behind a connection that lasted; one that was lost sooner is one more attempt that failed. */
  private countAnew(): void {
    const { journal, timeline } = this.around;
    if (this.readyAt === undefined) return;
    const hasLasted = timeline.now() - this.readyAt >= Math.min(this.waited, 5_000);
    if (hasLasted) this.attempts = 0;
    else journal.count('lost too soon');
    this.readyAt = undefined;
  }

  /** A client ends when its user says so, or when it has tried as often as its options say. */
  private checkEnd(error: RedisError | undefined): void {
    const { journal, settings } = this.around;
    this.countAnew();
    if (error === undefined) {
      if (!this.knowledge.closing()) journal.fail('the client ended, and nobody has closed it');
    } else if (this.attempts < attemptsOf(settings.reconnect)) {
      journal.fail(`the client gave up after ${this.attempts} attempts: ${error.message}`);
    }
  }

  private checkReason(reason: DisconnectReason): void {
    const { journal } = this.around;
    // Who closes it while a loss is being dealt with has closed it.
    const reasons = this.closed ? ['closed_by_user'] : this.knowledge.endedFor();
    journal.count(`disconnect ${reason}`);
    if (!reasons.includes(reason)) journal.fail(`disconnect was told for ${reason}, not ${reasons.join(' or ')}`);
  }

  private hear(event: ConnectionEvent): void {
    // The commands' connection tells of that of messages as well.
    if (event.connection !== this.carries) return;
    const { journal } = this.around;
    journal.note('event', event.type);
    if (event.type !== 'connect' && event.type !== 'disconnect') return;
    if (this.connected === (event.type === 'connect')) journal.fail(`${event.type} was told twice in a row`);
    this.connected = event.type === 'connect';
    if (event.type === 'disconnect') this.checkReason(event.reason);
  }
}

/** How often a lost connection is to be made again before the client gives up. */
function attemptsOf(reconnect: Settings['reconnect']): number {
  if (reconnect === 'off') return 0;
  return reconnect === 'thrice' ? 3 : Infinity;
}

/** What the options of the client stand for. */
function delayOf(reconnect: Settings['reconnect'], attempt: number): number {
  switch (reconnect) {
    case 'soon':
      return Math.min(50, 2 ** (attempt - 1));
    case 'late':
      return Math.min(300, 40 * 2 ** (attempt - 1));
    case 'thrice':
      return 10 * 2 ** (attempt - 1);
    case 'function':
      return Math.min(attempt, 5) * 7;
    case 'waiting':
      return Math.min(attempt, 5) * 11;
    case 'destroying':
    case 'off':
      return 0;
  }
}
