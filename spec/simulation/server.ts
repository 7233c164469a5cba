import { JobDesk, shaOf, type JobWatcher } from './job-desk';
import type { Journal } from './journal';
import { Keyspace, numberReply, valueOf, type WireReply } from './keyspace';
import { LeaseDesk } from './lease-desk';
import { isSubscribed, matches, type Peer } from './peer';
import type { RefusalWord, ServerItem, StreamVersion } from './plan';
import { Reception, isMomentary } from './reception';
import * as resp from './resp';
import type { StreamWatcher } from './stream-commands';
import { StreamDesk, growsStream, isOfStream } from './stream-desk';
import { TakeDesk, type TakeWatcher } from './take-desk';
import type { Timeline } from './timeline';
import { Transactions } from './transactions';
import { NOSCRIPT, type WireRequest } from './wire';

/** What every connection has to be told anew before it carries commands. */
export interface Expectations {
  readonly password: boolean;
  readonly clientName: string | undefined;
  readonly onConnect: boolean;
}

/** The consumer group of each stream. */
export const GROUP = 'group';
export const CLIENT_NAME = 'simulated';
/** A shard channel whose slot may go to another server. */
export const MOVING = 'moving';
/** A channel that nobody may subscribe to. */
export const FORBIDDEN = 'forbidden';

/**
 * A small Redis. Requests run when they have arrived whole; every reply tells which request it belongs to, for the keys hold values
 * that are made of their names.
 */
export class Server {
  readonly peers = new Set<Peer>();
  /** What has run, in that order. */
  readonly runs: WireRequest[] = [];
  /** The lines of MONITOR, in order: no two are the same. */
  readonly lines: string[] = [];
  private readonly reception: Reception;
  private readonly transactions: Transactions;
  private readonly leaseDesk: LeaseDesk;
  private readonly takeDesk: TakeDesk;
  readonly streamDesk: StreamDesk;
  readonly jobDesk: JobDesk;
  /** told when a client publishes, before anybody gets the message */
  published: (peer: Peer, id: number, channel: string) => void = () => undefined;
  /** told when the first command of a use comes to a lent connection, before anything is done with it */
  lentTo: (peer: Peer, use: number) => void = () => undefined;
  /** told when the transaction of a use sets a counter */
  incremented: (peer: Peer, use: number, before: number, after: number) => void = () => undefined;
  /** told when what a use watches changes */
  disturbed: (use: number) => void = () => undefined;
  /** told when a counter gets another type */
  retyped: (key: string) => void = () => undefined;
  private downUntil = 0;
  private asleepUntil = 0;
  private replicasUntil = 0;
  private refusing: { word: RefusalWord; until: number } | undefined;
  /** until when the slot of a shard channel is elsewhere */
  private moved: { channel: string; until: number } | undefined;
  private keyspace = new Keyspace();
  private pushed = new Set<number>();
  /** the scripts that it has, by their SHA-1 */
  private readonly scripts = new Set<string>();
  private entriesAdded = 0;
  /** whoever waits for an element gets one */
  private generous = false;

  constructor(
    private readonly timeline: Timeline,
    private readonly journal: Journal,
    private readonly expected: Expectations,
    watcher: TakeWatcher,
    streams: { readonly version: StreamVersion; readonly watcher: StreamWatcher },
    jobs: JobWatcher,
  ) {
    this.reception = new Reception(journal, expected, () => this.word);
    this.transactions = new Transactions({
      refusal: (peer, request) => this.refusal(peer, request),
      execute: (peer, request) => {
        if (isOfStream(request.words)) return this.streamDesk.run(peer.protocol, request.words);
        this.arrive(peer, request);
        return this.failureOf(request) ?? this.execute(peer, request);
      },
      fail: (violation) => journal.fail(violation),
    });
    this.leaseDesk = new LeaseDesk({
      refusal: (peer, request) => this.refusal(peer, request),
      fail: (violation) => journal.fail(violation),
      arrived: (peer, use) => this.lentTo(peer, use),
      incremented: (peer, use, before, after) => this.incremented(peer, use, before, after),
      disturbed: (use) => this.disturbed(use),
      retyped: (key) => this.retyped(key),
    });
    this.takeDesk = new TakeDesk({
      refusal: (peer, request) => this.refusal(peer, request),
      peers: this.peers,
      after: (delay, work) => timeline.after(delay, work),
      goOn: (peer) => this.work(peer),
      unblock: (index) => this.streamDesk.unblock(index) || this.jobDesk.unblock(index),
      tell: watcher,
    });
    this.streamDesk = new StreamDesk(streams.version, {
      refusal: (peer, request) => this.refusal(peer, request),
      now: () => timeline.now(),
      after: (delay, work) => timeline.after(delay, work),
      goOn: (peer) => this.work(peer),
      hangUp: (peer) => this.hangUp(peer),
      fail: (violation) => journal.fail(violation),
      tell: streams.watcher,
    });
    this.jobDesk = new JobDesk({
      refusal: (peer, request) => this.refusal(peer, request),
      now: () => timeline.now(),
      after: (delay, work) => timeline.after(delay, work),
      goOn: (peer) => this.work(peer),
      hangUp: (peer) => this.hangUp(peer),
      scripts: this.scripts,
      fail: (violation) => journal.fail(violation),
      tell: jobs,
    });
  }

  /** The elements of lists that are there. */
  get elements(): readonly string[] {
    return this.takeDesk.elements;
  }

  get down(): boolean {
    return this.timeline.now() < this.downUntil;
  }

  receive(peer: Peer, request: WireRequest): void {
    if (peer.gone) return;
    if (this.timeline.now() < this.replicasUntil) peer.replica = true;
    this.journal.note('arrives', peer.index, request.words[0], request.id);
    peer.inbox.push(request);
    this.work(peer);
  }

  /** The connection is gone: what it waited for and what it subscribed to is forgotten. */
  forget(peer: Peer): void {
    peer.gone = true;
    peer.blocked?.timer?.unsubscribe();
    peer.blocked = undefined;
    this.takeDesk.forget(peer);
    this.streamDesk.forget(peer);
    this.jobDesk.forget(peer);
    peer.inbox.length = 0;
    this.peers.delete(peer);
  }

  happen(item: ServerItem): void {
    switch (item.kind) {
      case 'publish':
        this.publish(item.channel, `m:${item.id}`, item.sharded);
        break;
      case 'push':
        this.push(item.id);
        break;
      case 'element':
        this.takeDesk.push(`Q:${item.list}`, `e${item.id}`);
        break;
      case 'entry':
        for (let i = 0; i < item.count; i++) this.addEntry(item.stream);
        break;
      case 'job':
        for (let i = 0; i < item.count; i++) this.jobDesk.add(item.delay);
        break;
      case 'seize':
        this.jobDesk.seize(item.count, item.lease);
        break;
      case 'reap':
        this.jobDesk.reap(item.attempts);
        break;
      case 'trim':
        this.streamDesk.commands.trim(item.stream, item.kept);
        break;
      case 'steal':
        this.streamDesk.commands.steal(item.stream, GROUP, item.count);
        break;
      case 'restart':
        this.downUntil = this.timeline.now() + item.duration;
        this.keyspace = new Keyspace();
        this.leaseDesk.restart();
        this.takeDesk.restart();
        this.streamDesk.commands.restart();
        this.jobDesk.restart();
        this.pushed = new Set();
        this.scripts.clear();
        this.kill();
        break;
      case 'failover':
        this.replicasUntil = this.timeline.now() + item.duration;
        for (const peer of this.peers) peer.replica = true;
        this.streamDesk.demote();
        this.jobDesk.demote();
        break;
      case 'refuse':
        this.refusing = { word: item.word, until: this.timeline.now() + item.duration };
        break;
      case 'migrate':
        this.migrate(item.channel, item.duration);
        break;
      case 'touch':
        this.leaseDesk.touch(`W:${item.key}`);
        break;
      case 'retype':
        this.leaseDesk.retype(`T:${item.key}`, item.type);
        break;
      case 'kill':
        this.kill();
        break;
      case 'scriptFlush':
        this.scripts.clear();
        break;
      case 'sleep':
        this.asleepUntil = this.timeline.now() + item.duration;
        this.timeline.after(item.duration, () => this.wake());
        break;
    }
  }

  /** Nothing is refused any more, and who waits gets something. */
  calm(): void {
    this.downUntil = this.asleepUntil = this.replicasUntil = 0;
    this.refusing = undefined;
    this.moved = undefined;
    this.wake();
    this.generous = true;
    for (const { blocked } of this.peers) if (blocked?.request.id !== undefined) this.push(blocked.request.id);
  }

  publish(channel: string, data: string, sharded = false): number {
    let receivers = 0;
    for (const peer of this.peers) {
      const { channel: channels, pattern: patterns, shard } = peer.subscriptions;
      if ((sharded ? shard : channels).has(channel)) {
        const text = resp.push(peer.protocol, [sharded ? 'smessage' : 'message', channel, data].map(resp.bulk));
        peer.push(text, { data, channel, pattern: undefined, sharded });
        receivers++;
      }
      if (sharded) continue;
      for (const pattern of patterns) {
        if (!matches(pattern, channel)) continue;
        const text = resp.push(peer.protocol, ['pmessage', pattern, channel, data].map(resp.bulk));
        peer.push(text, { data, channel, pattern, sharded });
        receivers++;
      }
    }
    return receivers;
  }

  /** Subscriptions to the channel end, and their clients are told as if they had left. */
  private migrate(channel: string, duration: number): void {
    this.moved = { channel, until: this.timeline.now() + duration };
    for (const peer of this.peers) {
      const { shard } = peer.subscriptions;
      if (!shard.delete(channel)) continue;
      peer.wasDeprived = true;
      const items = [resp.bulk('sunsubscribe'), resp.bulk(channel), resp.integer(shard.size)];
      peer.take(resp.push(peer.protocol, items), channel);
    }
  }

  private kill(): void {
    for (const peer of [...this.peers]) this.hangUp(peer);
  }

  /** It ends a connection. */
  hangUp(peer: Peer): void {
    this.forget(peer);
    peer.close();
  }

  /** Another client adds an entry, which no two share. */
  addEntry(stream: string): void {
    this.streamDesk.add(stream, ['n', String(this.entriesAdded++)]);
  }

  private wake(): void {
    for (const peer of [...this.peers]) this.work(peer);
  }

  private work(peer: Peer): void {
    while (peer.blocked === undefined && !peer.gone && this.timeline.now() >= this.asleepUntil) {
      const request = peer.inbox.shift();
      if (request === undefined) return;
      this.handle(peer, request);
    }
  }

  private handle(peer: Peer, request: WireRequest): void {
    const { id, words } = request;
    if (this.takeDesk.take(peer, request) || this.streamDesk.take(peer, request)) return;
    if (this.jobDesk.take(peer, request)) return;
    if (this.leaseDesk.take(peer, request) || this.transactions.take(peer, request)) return;
    if (id !== undefined) this.run(peer, request, id);
    else if (words[0] === 'MONITOR') this.monitor(peer, request);
    else if (words[0] === 'SCRIPT') this.loadScript(peer, request);
    else if (words[0] === 'ECHO') peer.answer(resp.bulk(words[1]!), request, { value: `"${words[1]!}"` });
    else if (/^[PS]?(UN)?SUBSCRIBE$/.test(words[0]!)) this.changeSubscriptions(peer, request);
    else this.reception.greet(peer, request);
  }

  private loadScript(peer: Peer, request: WireRequest): void {
    const refusal = this.refusal(peer, request);
    if (refusal !== undefined) {
      peer.answer(resp.error(refusal), request, { error: refusal });
      return;
    }
    const sha = shaOf(request.words[2]!);
    this.scripts.add(sha);
    peer.answer(resp.bulk(sha), request, { value: `"${sha}"` });
  }

  /** A second MONITOR is not answered. */
  private monitor(peer: Peer, request: WireRequest): void {
    if (peer.monitors) return;
    peer.monitors = true;
    peer.answer(resp.simple('OK'), request, { value: '"OK"' });
  }

  private changeSubscriptions(peer: Peer, request: WireRequest): void {
    const [word, ...names] = request.words;
    const kind = kinds[/^[PS](?=UN|SUB)/.exec(word!)?.[0] as 'P' | 'S'] ?? 'channel';
    const leaving = word!.includes('UN');
    const { subscriptions } = peer;
    const { word: refusal } = this;
    if (!leaving && refusal !== undefined && isMomentary(refusal)) {
      this.journal.count('SUBSCRIBE refused for the moment');
      peer.refusesSubscriptions = true;
      const text = `${refusal} Not now`;
      peer.answer(resp.error(text), request, { error: text });
      return;
    }
    if (kind === 'shard' && this.moved !== undefined && this.timeline.now() < this.moved.until) {
      if (names.includes(this.moved.channel)) {
        this.journal.count(leaving ? 'SUNSUBSCRIBE refused' : 'SSUBSCRIBE refused');
        peer.refusesSubscriptions ||= !leaving;
        const text = 'MOVED 1 elsewhere:6379';
        peer.answer(resp.error(text), request, { error: text });
        return;
      }
    }
    if (!leaving && names.includes(FORBIDDEN)) {
      peer.refusesSubscriptions = true;
      const text = `NOPERM this user has no permissions to access one of the channels used as arguments`;
      peer.answer(resp.error(text), request, { error: text });
      return;
    }
    names.forEach((name, index) => {
      if (leaving) subscriptions[kind].delete(name);
      else subscriptions[kind].add(name);
      const count =
        kind === 'shard' ? subscriptions.shard.size : subscriptions.channel.size + subscriptions.pattern.size;
      const text = resp.push(peer.protocol, [resp.bulk(word!.toLowerCase()), resp.bulk(name), resp.integer(count)]);
      peer.answer(text, request, index === names.length - 1 ? { value: '' } : undefined);
    });
  }

  /** A command of the workload. */
  private run(peer: Peer, request: WireRequest, id: number): void {
    this.arrive(peer, request);
    const refusal = this.failureOf(request) ?? this.refusal(peer, request);
    if (refusal !== undefined) {
      const text = `${refusal} (${id})`;
      peer.answer(resp.error(text), request, { error: text });
      return;
    }
    if (request.words[0] === 'EVALSHA' && !this.scripts.has(request.words[1]!)) {
      this.journal.count('NOSCRIPT');
      peer.answer(resp.error(NOSCRIPT), request, { error: NOSCRIPT });
      return;
    }
    if (request.words[0] === 'EVAL') this.scripts.add(shaOf(request.words[1]!));
    if (request.words[0] === 'BLPOP') {
      this.pop(peer, request, id);
      return;
    }
    const [text, value] = this.execute(peer, request);
    peer.answer(text, request, { value });
  }

  /** A command has come to its database. */
  private arrive(peer: Peer, request: WireRequest): void {
    request.database = peer.database;
    request.sent?.arrived(request);
  }

  private execute(peer: Peer, request: WireRequest): WireReply {
    const { words } = request;
    const id = request.id!;
    this.ran(request);
    if (words[0] === 'SELECT') peer.database = id;
    const reply =
      words[0] === 'PUBLISH' ? this.publishFor(peer, words, id) : this.keyspace.run(peer.protocol, words, id);
    if (reply !== undefined) return reply;
    this.journal.fail(`the server got ${words.join(' ').slice(0, 60)}, which nobody has sent`);
    return [resp.error('ERR unknown command'), ''];
  }

  /** Why a command fails when it runs. */
  private failureOf({ words }: WireRequest): string | undefined {
    if (words[1]?.startsWith('w:')) return 'WRONGTYPE Operation against a key holding the wrong kind of value';
    return this.word === 'WRONGTYPE' ? 'WRONGTYPE Not now' : undefined;
  }

  private refusal(peer: Peer, { words, writes }: WireRequest): string | undefined {
    const { expected } = this;
    if (expected.password && peer.password === undefined) {
      this.journal.fail(`${words[0]} reached a server that the client had not signed in to`);
    }
    // The user of a lent connection may have given it another name.
    const isNamed = peer.lent !== undefined || peer.isNameless || peer.clientName === expected.clientName;
    if (!isNamed || peer.prepared !== expected.onConnect) {
      this.journal.fail(`${words[0]} ran on a connection that was not set up`);
    }
    if (peer.protocol === 2 && isSubscribed(peer)) {
      this.journal.fail(`${words[0]} was sent on a connection that only takes subscriptions`);
    }
    if (peer.replica && writes) return "READONLY You can't write against a read only replica.";
    const { word } = this;
    if (word === undefined || word === 'WRONGTYPE') return undefined;
    // Where memory is short, only what needs more of it is refused; what a command of the workload does is not known that well.
    return word === 'OOM' && isOfStream(words) && !growsStream(words) ? undefined : `${word} Not now`;
  }

  /** What everything is refused with just now. */
  private get word(): RefusalWord | undefined {
    const { refusing } = this;
    return refusing !== undefined && this.timeline.now() < refusing.until ? refusing.word : undefined;
  }

  private ran(request: WireRequest): void {
    request.ran = true;
    this.runs.push(request);
    const line = `${Math.floor(this.timeline.now())}.${this.lines.length} [0 127.0.0.1:1] "${request.words[0]!}"`;
    this.lines.push(line);
    for (const peer of this.peers) if (peer.monitors) peer.notify(resp.simple(line));
  }

  private publishFor(peer: Peer, [, channel, data]: readonly string[], id: number): WireReply {
    this.published(peer, id, channel!);
    return numberReply(id * 1000 + this.publish(channel!, data!));
  }

  private pop(peer: Peer, request: WireRequest, id: number): void {
    if (this.generous || this.pushed.delete(id)) {
      this.popped(peer, request, id);
      return;
    }
    const wait = Number(request.words[2]) * 1000;
    const giveUp = () => {
      peer.blocked = undefined;
      this.ran(request);
      peer.answer(peer.protocol === 3 ? '_\r\n' : '*-1\r\n', request, { value: 'null' });
      this.work(peer);
    };
    peer.blocked = { request, timer: wait > 0 ? this.timeline.after(wait, giveUp) : undefined };
  }

  private push(id: number): void {
    for (const peer of this.peers) {
      const { blocked } = peer;
      if (blocked?.request.id !== id) continue;
      blocked.timer?.unsubscribe();
      peer.blocked = undefined;
      this.popped(peer, blocked.request, id);
      this.work(peer);
      return;
    }
    this.pushed.add(id);
  }

  private popped(peer: Peer, request: WireRequest, id: number): void {
    this.ran(request);
    const [key, value] = [`b:${id}`, valueOf(id)];
    // A push of a kind that the client does not know may come anywhere in RESP3, and is no element.
    const novelty = peer.protocol === 3 && id % 3 === 0 ? resp.push(3, [resp.simple('novelty'), resp.integer(id)]) : '';
    const text = `*2\r\n${resp.bulk(key)}${novelty}${resp.bulk(value)}`;
    peer.answer(text, request, { value: `["${key}","${value}"]` });
  }
}

const kinds = { P: 'pattern', S: 'shard' } as const;
