import type { DisconnectReason } from '../../src/connection/connection';
import type { Journal } from './journal';
import type { Link, Sending } from './link';
import type { Settings, StreamFault } from './plan';
import { Hold } from './hold';
import { Limits } from './limits';
import type { PushedMessage } from './peer';
import type { Sent } from './sent';
import type { Observers } from './observers';
import type { Timeline } from './timeline';
import { callOf } from './calls';
import { REFUSES_ALL } from './tries';
import type { WireRequest } from './wire';

/** What the referee remembers of a connection. */
interface Watched {
  readonly limits: Limits;
  /** the places of the last commands among all */
  readonly lastOrder: { publishing: number; others: number };
  readonly hold: Hold;
  /** a reply told that it leads to the wrong server, to somebody or to nobody who waited any more */
  mayBeLeft: boolean;
  /** what was told so while it waited */
  readonly retiring: WireRequest[];
}

/** Sees all that crosses a connection and holds it against the rules. */
export class Referee {
  readonly sents = new Map<number, Sent>();
  /** when a server last said that it does not let the client in */
  signInRefusedAt = -1;
  /** the databases that new connections may be told to select: more than one, where the client may not have read all */
  private selected: readonly number[];
  private readonly watched = new Map<Link, Watched>();
  /** when credentials changed */
  private readonly rotations: number[] = [];

  constructor(
    private readonly timeline: Timeline,
    private readonly journal: Journal,
    private readonly settings: Settings,
    private readonly observers: Observers,
  ) {
    this.selected = [settings.database];
  }

  /** Live connections are to be signed in anew, so many times. */
  rotated(times: number): void {
    for (let i = 0; i < times; i++) this.rotations.push(this.timeline.now());
  }

  fail(violation: string): void {
    this.journal.fail(violation);
  }

  opened(link: Link): void {
    const fail = (violation: string) => this.fail(`link ${link.index}: ${violation}`);
    this.watched.set(link, {
      limits: new Limits(link, this.timeline, this.settings, fail),
      lastOrder: { publishing: -1, others: -1 },
      hold: new Hold(),
      mayBeLeft: false,
      retiring: [],
    });
    this.journal.note('opened', link.index);
  }

  /** The client takes the link for ready, so it has been told all that it greets and subscribes with. */
  ready(link: Link, carriesMessages: boolean): void {
    link.ready = true;
    if (link.oldest !== undefined)
      this.fail(`link ${link.index}: ready although ${link.oldest.words[0]} is not answered`);
    if (!carriesMessages) return;
    const { channel, pattern, shard } = link.peer.subscriptions;
    const there = new Set([...channel, ...pattern, ...[...shard].map((name) => `#${name}`)]);
    for (const name of this.observers.observedBefore(this.of(link).limits.openedAt)) {
      if (!there.has(name)) this.fail(`link ${link.index}: ready although it is not subscribed to ${name}`);
    }
  }

  /** What was selected last is selected again. */
  checkDatabase({ index, peer: { database } }: Link): void {
    if (this.selected.includes(database)) return;
    this.fail(`link ${index}: ready with database ${database}, not ${this.selected.join(' or ')}`);
  }

  /** A request was written; which command of the workload it is stands among its words. */
  written(link: Link, words: readonly string[]): WireRequest {
    // What the handshake selects again is no command of the workload.
    const id = words[0] === 'SELECT' ? (link.ready ? Number(words[1]) : undefined) : idOf(words);
    const sent = id === undefined ? undefined : this.sents.get(id);
    const writes = sent !== undefined && callOf(sent.item).writes;
    const writtenAt = this.timeline.now();
    const wire: WireRequest = {
      words,
      id,
      sent,
      writes,
      writtenAt,
      database: undefined,
      ran: false,
      answer: undefined,
      answered: false,
      answeredAt: Infinity,
      atHand: () => false,
      inTime: false,
      doubtful: false,
      wasOldest: false,
      poisoned: false,
    };
    this.journal.note('written', link.index, words[0], id);
    if (sent === undefined) {
      if (id !== undefined)
        this.fail(`link ${link.index}: ${words.join(' ').slice(0, 60)} was written, which nobody has sent`);
      return wire;
    }
    const payload = callOf(sent.item).payload?.(sent.item);
    if (payload !== undefined && words.at(-1) !== payload)
      sent.fail('was written with another argument than was given');
    sent.written(wire);
    if (!link.ready) sent.fail(`was written to link ${link.index} before that was ready`);
    this.checkOrder(link, sent);
    this.of(link).hold.checkWritten(sent, writtenAt);
    return wire;
  }

  wrote(link: Link, bytes: number, first: boolean, requests: readonly WireRequest[]): void {
    this.journal.note('write', link.index, bytes);
    const { autoPipeline, pipelineDepth } = this.settings;
    const most = autoPipeline ? pipelineDepth : 1;
    if (requests.length > most) this.fail(`link ${link.index}: ${requests.length} requests in one write, not ${most}`);
    if (this.of(link).limits.isFull) this.fail(`link ${link.index}: written to although its buffer is full`);
    this.of(link).limits.wrote(requests, first);
  }

  filled(link: Link): void {
    this.journal.note('full', link.index);
    this.journal.count('full');
    this.of(link).limits.filled();
  }

  emptied(link: Link): void {
    this.of(link).limits.emptied();
    this.journal.note('drained', link.index);
  }

  /** Bytes are about to reach the client; the check that is returned has to follow. */
  arriving(link: Link, bytes: number, whole: readonly Sending[]): () => void {
    this.journal.note('reads', link.index, bytes, whole.length);
    const watched = this.of(link);
    watched.limits.checkSilence();
    const wires: WireRequest[] = [];
    for (const sending of whole) {
      if (sending.kind !== 'reply' || sending.answer === undefined) continue;
      const { request } = sending;
      request.answered = true;
      request.answeredAt = this.timeline.now();
      if (isSignInRefused(request)) this.signInRefusedAt = this.timeline.now();
      request.inTime = request.sent?.outcome === undefined;
      wires.push(request);
      link.answers++;
      link.answeredAt = this.timeline.now();
    }
    watched.limits.heard(wires.length > 0);
    // What the handshake is told does not count.
    const astray = link.ready ? wires.filter((wire) => leadsAstray(wire, this.settings)) : [];
    watched.mayBeLeft ||= astray.length > 0;
    const { retiring } = watched;
    const messages = whole.flatMap((sending) => (sending.kind === 'message' ? [sending.message] : []));
    const checkMessages = this.observers.expect(messages);
    const wasHeld = watched.hold.begun;
    return () => {
      retiring.push(...astray.filter(isTaken));
      this.holdFor(link, wires, wasHeld);
      if (link.open && link.oldest === undefined && retiring.length > 0) {
        this.fail(`link ${link.index}: kept although it leads to the wrong server and owes nothing`);
      }
      const databases = wires.filter(isSelected).map(({ id }) => id!);
      if (databases.length > 0) this.selected = link.open ? databases.slice(-1) : [...this.selected, ...databases];
      if (link.open) checkMessages();
      else for (const wire of wires) wire.doubtful = true;
    };
  }

  /** What a server refuses that refuses everything keeps all others waiting. */
  private holdFor(link: Link, wires: readonly WireRequest[], wasHeld: boolean): void {
    for (const wire of wires) {
      const { sent, answeredAt } = wire;
      // Whoever was told of a reply before it, in the same read, may have left it.
      if (
        sent === undefined ||
        !isTaken(wire) ||
        sent.wires.at(-1) !== wire ||
        ![...REFUSES_ALL].some((word) => sent.isRefusedBy(word))
      )
        continue;
      const delay = sent.tries.delayAfter(wire);
      if (delay !== undefined) this.of(link).hold.begin(sent, answeredAt, delay, wasHeld);
    }
  }

  /** The first bytes of a message, and not all of them, are about to reach the client. */
  begun(message: PushedMessage): void {
    message.joinedBefore ??= this.observers.joined;
  }

  struck(link: Link, fault: StreamFault): void {
    this.journal.note('strikes', link.index, fault.type, fault.way);
    this.journal.count(fault.type);
  }

  /** The client destroys its end. */
  left(link: Link): void {
    this.journal.note('destroyed', link.index, link.state);
    if (!link.open) return;
    noteOldest(link);
    this.checkLimits(link);
    link.endedFor = this.reasonsToLeave(link);
    if (link.ready && !link.givenUp() && link.endedFor.length === 0)
      this.fail(`link ${link.index}: destroyed without reason`);
  }

  lost(link: Link): void {
    this.journal.note('lost', link.index);
    this.journal.count('lost');
    noteOldest(link);
    this.checkLimits(link);
  }

  /** No limit of an open link may be over. */
  checkLimits(link: Link): void {
    this.of(link).limits.check();
  }

  /** What the client may say of why it leaves a connection that nobody has closed; nothing, when it has to keep it. */
  private reasonsToLeave(link: Link): DisconnectReason[] {
    const { limits, mayBeLeft } = this.of(link);
    const reasons: DisconnectReason[] = [];
    if (limits.isOver || this.isSignInLate(link)) reasons.push('timeout');
    if (link.poisoned || mayBeLeft) reasons.push('connection_lost');
    return reasons;
  }

  /** AUTH waits until nothing is owed, and then for its answer, each no longer than a handshake may take. */
  private isSignInLate({ requests, answers, openedAt }: Link): boolean {
    const before = this.timeline.now() - this.settings.connectTimeout;
    const signIns = requests.map(({ words, writtenAt }, index) => ({ words, writtenAt, answered: index < answers }));
    const auths = signIns.filter(({ words }) => words[0] === 'AUTH' || words.includes('AUTH'));
    if (auths.some(({ answered, writtenAt }) => !answered && writtenAt <= before)) return true;
    const unasked = this.rotations.filter((at) => at >= openedAt).length - (auths.length - 1);
    return unasked > 0 && this.rotations.some((at) => at >= openedAt && at <= before);
  }

  /** Commands stay in line, except those that had to wait before they were sent again. */
  private checkOrder(link: Link, sent: Sent): void {
    if (sent.outOfLine) return;
    const { lastOrder } = this.of(link);
    // What publishes may wait for subscriptions that were made before it, and is passed by others meanwhile.
    const kind = sent.item.call === 'publish' ? 'publishing' : 'others';
    if (sent.order < lastOrder[kind]) sent.fail(`was written behind a command that was submitted later`);
    lastOrder[kind] = Math.max(lastOrder[kind], sent.order);
  }

  private of(link: Link): Watched {
    return this.watched.get(link)!;
  }
}

function noteOldest({ oldest }: Link): void {
  if (oldest !== undefined) oldest.wasOldest = true;
}

function isSignInRefused({ id, answer }: WireRequest): boolean {
  return id === undefined && answer !== undefined && 'error' in answer && /^(WRONGPASS|NOAUTH)/.test(answer.error);
}

/** The user's own SELECT was accepted. */
function isSelected({ id, words, answer }: WireRequest): boolean {
  return id !== undefined && words[0] === 'SELECT' && answer !== undefined && 'value' in answer;
}

function leadsAstray({ answer }: WireRequest, { reconnect, reconnectOnError }: Settings): boolean {
  // Where no connection would follow, this one is kept.
  if (answer === undefined || !('error' in answer) || reconnect === 'off') return false;
  return (
    answer.error.startsWith('READONLY') || (reconnectOnError === 'masterdown' && answer.error.startsWith('MASTERDOWN'))
  );
}

/** Somebody waited for the answer when it came. */
function isTaken({ inTime, sent }: WireRequest): boolean {
  return inTime && sent?.outcome?.kind !== 'left';
}

function idOf(words: readonly string[]): number | undefined {
  for (let i = 1; i < words.length; i++) {
    const id = /^[a-z]:(\d+)/.exec(words[i]!);
    if (id !== null) return Number(id[1]);
  }
  return undefined;
}
