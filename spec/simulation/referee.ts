import type { DisconnectReason } from '../../src/connection/connection-state';
import { memberOf } from './groups';
import type { Link, Sending } from './link';
import type { PushedMessage } from './peer';
import type { CounterType, StreamFault } from './plan';
import { rulesFor } from './rules';
import type { Rule, Scene } from './rules/rule';
import { toldOfJobs, type JobEvents } from './rules/job-events';
import { toldToAll, type StreamEvents } from './rules/stream-events';
import type { LeaseStats } from './client';
import { isOfQueue } from './job-desk';
import type { Outcome, Sent } from './sent';
import { isOfStream, writesStream } from './stream-desk';
import type { TakeWatcher } from './take-desk';
import type { Take } from './takes';
import type { Use, UseOutcome } from './use';
import { GroupWire, isCall, lacksScript, wireOf, type WireRequest } from './wire';

/** Sees all that crosses a connection, and tells the rules of it. It knows none of the guarantees itself. */
export class Referee {
  readonly sents = new Map<number, Sent>();
  /** What its user sends again when it has failed → as what it was sent before. */
  private readonly repeated = new WeakMap<Sent, Sent>();
  /** when a server last said that it does not let the client in */
  signInRefusedAt = -1;
  /** how many MULTIs were written that no command has followed: nobody knows whose they are */
  lonelyMultis = 0;
  /** when the client was last told that it has written to a stream, or to a queue */
  streamWrittenAt = -1;
  private readonly rules: readonly Rule[];
  /** how many links of the commands' connection were lost, or left */
  private losses = 0;
  /** the client is reading what has come */
  private reading = false;

  constructor(private readonly scene: Scene) {
    this.rules = rulesFor(scene);
    this.streamEvents = toldToAll(this.rules);
    this.jobEvents = toldOfJobs(this.rules);
  }

  fail(violation: string): void {
    this.scene.journal.fail(violation);
  }

  rotated(times: number): void {
    for (const rule of this.rules) rule.rotated?.(times);
  }

  submitted(sent: Sent): void {
    const before = this.sents.get(sent.id);
    if (before !== undefined) this.repeated.set(sent, before);
    this.sents.set(sent.id, sent);
    for (const rule of this.rules) rule.submitted?.(sent);
  }

  settled(sent: Sent, outcome: Outcome): void {
    for (const rule of this.rules) rule.settled?.(sent, outcome);
  }

  concluded(sent: Sent): void {
    for (const rule of this.rules) rule.concluded?.(sent);
  }

  useAsked(use: Use): void {
    for (const rule of this.rules) rule.useAsked?.(use);
  }

  useBegun(use: Use): void {
    for (const rule of this.rules) rule.useBegun?.(use);
  }

  useEnded(use: Use, outcome: UseOutcome): void {
    for (const rule of this.rules) rule.useEnded?.(use, outcome);
  }

  useConcluded(use: Use): void {
    for (const rule of this.rules) rule.useConcluded?.(use);
  }

  connected(connections: number): void {
    for (const rule of this.rules) rule.connected?.(connections);
  }

  rested(stats: LeaseStats): void {
    for (const rule of this.rules) rule.rested?.(stats);
  }

  lentTo(link: Link, use: number): void {
    for (const rule of this.rules) rule.lentTo?.(link, use);
  }

  incremented(link: Link, use: number, before: number, after: number): void {
    for (const rule of this.rules) rule.incremented?.(link, use, before, after);
  }

  disturbed(use: number): void {
    for (const rule of this.rules) rule.disturbed?.(use);
  }

  retyped(key: string): void {
    for (const rule of this.rules) rule.retyped?.(key);
  }

  watchedAs(key: string, type: CounterType): void {
    for (const rule of this.rules) rule.watchedAs?.(key, type);
  }

  takeAsked(take: Take): void {
    for (const rule of this.rules) rule.takeAsked?.(take);
  }

  takeEnded(take: Take): void {
    for (const rule of this.rules) rule.takeEnded?.(take);
  }

  takesConcluded(elements: readonly string[]): void {
    for (const rule of this.rules) rule.takesConcluded?.(elements);
  }

  /** What hears of the elements of lists. */
  readonly takeWatcher: TakeWatcher = {
    pushed: (element) => this.rules.forEach((rule) => rule.pushed?.(element)),
    popped: (take, element, request) => this.rules.forEach((rule) => rule.popped?.(take, element, request)),
    returned: (element, request) => this.rules.forEach((rule) => rule.returned?.(element, request)),
    unblocked: (take) => this.rules.forEach((rule) => rule.unblocked?.(take)),
    forgotten: (elements) => this.rules.forEach((rule) => rule.forgotten?.(elements)),
  };

  /** What hears of the entries of streams, and of those that read them. */
  readonly streamEvents: StreamEvents;

  /** What hears of jobs, and of those that do them. */
  readonly jobEvents: JobEvents;

  opened(link: Link): void {
    this.scene.journal.note('opened', link.index);
    for (const rule of this.rules) rule.opened?.(link);
  }

  ready(link: Link, protocol: 2 | 3): void {
    link.ready = true;
    for (const rule of this.rules) rule.ready?.(link, protocol);
  }

  /** A request was written; which command of the workload it is stands among its words. */
  written(link: Link, words: readonly string[]): WireRequest {
    // What the handshake selects again is no command of the workload.
    const id = words[0] === 'SELECT' ? (link.ready && !link.lent ? Number(words[1]) : undefined) : idOf(words);
    this.scene.journal.note('written', link.index, words[0], id);
    const request = this.requestOf(link, words, id);
    for (const rule of this.rules) rule.written?.(link, request);
    return request;
  }

  wrote(link: Link, bytes: number, first: boolean, requests: readonly WireRequest[]): void {
    this.scene.journal.note('write', link.index, bytes);
    for (const rule of this.rules) rule.wrote?.(link, { bytes, first, requests });
  }

  filled(link: Link): void {
    this.scene.journal.note('full', link.index);
    this.scene.journal.count('full');
    for (const rule of this.rules) rule.filled?.(link);
  }

  emptied(link: Link): void {
    for (const rule of this.rules) rule.emptied?.(link);
    this.scene.journal.note('drained', link.index);
  }

  /** Bytes are about to reach the client; the check that is returned has to follow. */
  arriving(link: Link, bytes: number, whole: readonly Sending[]): () => void {
    this.scene.journal.note('reads', link.index, bytes, whole.length);
    for (const rule of this.rules) rule.come?.(link);
    const taken: [WireRequest, string][] = [];
    const answered = whole.flatMap((sending) => {
      const { oldest } = link;
      if (sending.kind === 'message') sending.message.behind = link.answers;
      if (sending.kind === 'noise' && sending.takes !== undefined && oldest?.words[0] === 'SUNSUBSCRIBE')
        taken.push([oldest, sending.takes]);
      return this.answerOf(link, sending);
    });
    const messages = whole.flatMap((sending) => (sending.kind === 'message' ? [sending.message] : []));
    const bringsReplies = link.isInsideReply || whole.some(({ kind }) => kind === 'reply');
    const checks = this.rules.map((rule) => rule.arriving?.(link, { answered, messages, taken, bringsReplies }));
    this.reading = true;
    return () => {
      this.reading = false;
      for (const wire of answered) {
        wire.isRead = false;
        wire.doubtful = !link.open;
      }
      for (const check of checks) check?.();
    };
  }

  begun(message: PushedMessage): void {
    for (const rule of this.rules) rule.begun?.(message);
  }

  published(link: Link, id: number, channel: string): void {
    for (const rule of this.rules) rule.published?.(link, id, channel);
  }

  struck(link: Link, fault: StreamFault): void {
    this.scene.journal.note('strikes', link.index, fault.type, fault.way);
    this.scene.journal.count(fault.type);
  }

  /**
   * The client destroys its end.
   * @param reset nothing that it has sent is to arrive any more
   */
  left(link: Link, reset: boolean): void {
    this.scene.journal.note('destroyed', link.index, link.state);
    if (!link.open) return;
    this.noteLoss(link);
    this.look(link);
    link.endedFor = this.reasonsToLeave(link);
    for (const rule of this.rules) rule.left?.(link, reset);
    if (link.ready && !link.givenUp() && link.endedFor.length === 0)
      this.fail(`link ${link.index}: destroyed without reason`);
  }

  lost(link: Link): void {
    this.scene.journal.note('lost', link.index);
    this.scene.journal.count('lost');
    this.noteLoss(link);
    this.look(link);
    for (const rule of this.rules) rule.lost?.(link);
  }

  /** No limit of an open link may be over. */
  look(link: Link): void {
    for (const rule of this.rules) rule.looked?.(link);
  }

  /** What the client may say of why it leaves a connection that the other side has not closed. */
  private reasonsToLeave(link: Link): DisconnectReason[] {
    const reasons = this.rules.flatMap((rule) => rule.reasonsToLeave?.(link) ?? []);
    return link.poisoned ? [...reasons, 'connection_lost'] : reasons;
  }

  private requestOf(link: Link, words: readonly string[], id: number | undefined): WireRequest {
    const writtenAt = this.scene.timeline.now();
    if (link.lent) {
      const writes = /^(SET|HSET|LSET|INCR|BLPOP|BLMOVE)$/.test(words[0]!) || writesStream(words);
      return wireOf({ words, id: undefined, sent: undefined, writes, writtenAt });
    }
    if (words[0] === 'EXEC') return this.execOf(link, words);
    if (words[0] === 'MULTI') this.lonelyMultis++;
    if (isOfStream(words)) {
      if (link.requests.at(-1)?.words[0] === 'MULTI') this.lonelyMultis--;
      return wireOf({ words, id: undefined, sent: undefined, writes: writesStream(words), writtenAt });
    }
    const place = id === undefined ? undefined : memberOf(id);
    const sent = id === undefined ? undefined : this.sents.get(place?.group ?? id);
    if (sent?.item.members === undefined || place === undefined) {
      const writes = sent?.call.writes ?? (words[1]?.startsWith('Q:') === true || isOfQueue(words));
      const request = wireOf({ words, id, sent, writes, writtenAt });
      sent?.written(request);
      return request;
    }
    const { member } = place;
    const group = this.groupOf(link, this.begunAs(link, sent, member), member);
    const request = wireOf({
      words,
      id,
      sent: group.sent,
      writes: group.callOf(member).writes,
      writtenAt,
      group,
      member,
    });
    group.members.push(request);
    return request;
  }

  /** What a member belongs to: a transaction whose MULTI was written is written to its end, also when its user has sent it again meanwhile. */
  private begunAs(link: Link, sent: Sent, member: number): Sent {
    const begin = link.requests.at(-1);
    const isOlder = member === 0 && begin?.words[0] === 'MULTI' && begin.writtenAt < sent.submittedAt;
    return (isOlder ? this.repeated.get(sent) : undefined) ?? sent;
  }

  /** The group that a member is a part of, which begins with its first. */
  private groupOf(link: Link, sent: Sent, member: number): GroupWire {
    const last = link.requests.at(-1)?.group;
    // A transaction whose time is up is written to its end, also when its user has sent it again meanwhile.
    if (member > 0 && last?.sent.item.id === sent.item.id && last.members.length < last.size) return last;
    const group = sent.isTransaction ? this.transactionOf(link, sent) : this.newGroup(sent);
    sent.written(group);
    return group;
  }

  private newGroup(sent: Sent, begin?: WireRequest): GroupWire {
    return new GroupWire(sent, begin?.writtenAt ?? this.scene.timeline.now(), sent.item.members!, begin);
  }

  /** Its MULTI is known by the first command behind it. */
  private transactionOf(link: Link, sent: Sent): GroupWire {
    const begin = link.requests.at(-1);
    if (begin?.words[0] !== 'MULTI' || begin.group !== undefined) {
      sent.fail('has no MULTI right before its first command');
      return this.newGroup(sent);
    }
    const group = this.newGroup(sent, begin);
    this.lonelyMultis--;
    begin.group = group;
    begin.sent = sent;
    group.poisoned = begin.poisoned;
    return group;
  }

  private execOf(link: Link, words: readonly string[]): WireRequest {
    const writtenAt = this.scene.timeline.now();
    const last = link.requests.at(-1);
    if (last !== undefined && isOfStream(last.words))
      return wireOf({ words, id: undefined, sent: undefined, writes: false, writtenAt });
    const group = last?.group;
    if (group?.isTransaction !== true || group.members.length < group.size || group.run !== undefined) {
      this.fail(`link ${link.index}: EXEC was written where no transaction ends`);
      return wireOf({ words, id: undefined, sent: undefined, writes: false, writtenAt });
    }
    const { sent, size: member } = group;
    return (group.run = wireOf({ words, id: undefined, sent, writes: false, writtenAt, group, member }));
  }

  /** The request that is answered by what comes, if it is. */
  private answerOf(link: Link, sending: Sending): WireRequest[] {
    if (sending.kind !== 'reply' || sending.answer === undefined) return [];
    const request = link.shifted ? link.requests[link.answers] : sending.request;
    if (request === undefined) {
      link.poisoned = true;
      return [];
    }
    const now = this.scene.timeline.now();
    request.misled = request !== sending.request;
    request.answer = sending.answer;
    request.answered = true;
    request.answeredAt = now;
    request.isRead = true;
    request.inTime = request.sent?.outcome === undefined;
    if (isSignInRefused(request)) this.signInRefusedAt = now;
    if (!link.lent && hasWritten(request)) this.streamWrittenAt = now;
    link.answers++;
    link.answeredAt = now;
    return [request];
  }

  /** Where the client is reading just now, it may not have come as far as it seems. */
  private noteLoss(link: Link): void {
    if (!link.carriesMessages && !link.lent) this.losses++;
    const { oldest } = link;
    if (oldest === undefined) return;
    const wire = oldest.group ?? oldest;
    wire.wasOldest = true;
    if (this.reading) return;
    wire.oldestAtLoss = this.losses;
    wire.aloneAtLoss = link.owed.every((request) => (request.group ?? request) === wire);
  }
}

/** Something was done with a stream or a queue; a script may have failed when all was done. */
function hasWritten(request: WireRequest): boolean {
  const { words, writes, answer } = request;
  if (isOfQueue(words) && isCall(request)) return !lacksScript(request);
  return writes && (isOfStream(words) || isOfQueue(words)) && answer !== undefined && 'value' in answer;
}

function isSignInRefused({ id, answer }: WireRequest): boolean {
  return id === undefined && answer !== undefined && 'error' in answer && /^(WRONGPASS|NOAUTH)/.test(answer.error);
}

function idOf(words: readonly string[]): number | undefined {
  for (let i = 1; i < words.length; i++) {
    const id = /^[a-z]:(\d+)/.exec(words[i]!);
    if (id !== null) return Number(id[1]);
  }
  return undefined;
}
