import { hashSlot } from '../../../src/resp/hash-slot';
import { addressOf, bulk, list, slotsOf, type Config, type Endpoint } from './config';
import type { Execution } from './ledger';
import { Host, type Wire } from './net';
import { Sessions, type Session } from './session';

/** A slot that moves by hand, key by key. */
export interface Migration {
  readonly slot: number;
  readonly from: number;
  readonly to: number;
  /** keys that are at the target */
  readonly moved: Set<string>;
}

/** What nodes are in. */
export interface Surroundings {
  readonly endpoint: Endpoint;
  /** whether replicas are to read */
  readonly readsReplicas: boolean;
  run(node: SimulatedNode, words: readonly string[]): readonly Execution[];
  /** a message was published at a node */
  publish(node: SimulatedNode, kind: 'shard' | 'channel', channel: string, tag: string): number;
  /** the client is told that a node has refused words */
  toldRefusal(node: SimulatedNode, words: readonly string[], reply: string): void;
  /** a node has named another for words */
  toldAsk(to: number, words: readonly string[]): void;
  /** words came behind ASKING; was that for them */
  wasToldAsk(at: number, words: readonly string[]): boolean;
  note(what: string, ...facts: readonly string[]): void;
  fail(violation: string): void;
}

const OK = '+OK\r\n';
const DOWN = '-CLUSTERDOWN The cluster is down\r\n';
const READS = new Set(['GET', 'MGET']);

/** A node with a view of its own, which may be behind. */
export class SimulatedNode extends Host {
  /** The epoch that it has heard of, whose views it may not know yet. */
  epoch: number;
  isFailing = false;
  isLoading = false;
  /** It and the other nodes do not hear of each other. */
  isApart = false;
  /** Slots that leave it, and slots that come to it. */
  readonly leaving = new Map<number, Migration>();
  readonly coming = new Map<number, Migration>();
  readonly sessions: Sessions;

  constructor(
    readonly index: number,
    distance: number,
    public known: Config,
    private readonly around: Surroundings,
  ) {
    super(index + 1, distance);
    this.epoch = known.epoch;
    this.sessions = new Sessions(this.wires);
  }

  get isMaster(): boolean {
    return this.known.masters[this.index] === this.index;
  }

  /** Hears of who has which slots. */
  learn(config: Config): void {
    const wasOwner = this.known.owners;
    this.known = config;
    this.epoch = Math.max(config.epoch, this.epoch);
    if (config.masters.length === 0) this.epoch = 0;
    const hasLost = (slot: number): boolean => wasOwner[slot] === this.index && config.owners[slot] !== this.index;
    for (const { slot } of [...this.leaving.values()])
      if (config.owners[slot] !== this.index) this.leaving.delete(slot);
    for (const { slot } of [...this.coming.values()]) if (config.owners[slot] === this.index) this.coming.delete(slot);
    for (const [wire, { shards }] of this.sessions.open) {
      for (const channel of [...shards]) {
        if (!hasLost(hashSlot(channel))) continue;
        shards.delete(channel);
        wire.send(`>3\r\n${bulk('sunsubscribe')}${bulk(channel)}:${shards.size}\r\n`);
      }
    }
  }

  answer(words: readonly string[], wire: Wire): void {
    const session = this.sessions.of(wire);
    const { asking } = session;
    if (asking && session.queued === undefined) {
      session.asking = words[0] === 'MULTI';
      if (!this.around.wasToldAsk(this.index, words)) this.around.fail(`ASKING came before ${words.join(' ')}`);
    }
    const done: Execution[] = [];
    const reply = this.reply(words, session, asking, done);
    if (reply.startsWith('-')) this.around.note('refuses', this.name, words.join(' '), reply.trim());
    if (reply !== '')
      wire.send(reply, () => {
        for (const execution of done) execution.isDelivered = true;
        if (reply.startsWith('-') && done.length === 0) this.around.toldRefusal(this, words, reply);
      });
  }

  private reply(words: readonly string[], session: Session, asking: boolean, done: Execution[]): string {
    const [name = '', sub = ''] = words;
    switch (name) {
      case 'HELLO':
        return `%2\r\n${bulk('proto')}:3\r\n${bulk('mode')}${bulk('cluster')}`;
      case 'PING':
        return this.outage() ?? '+PONG\r\n';
      case 'ROLE':
        return this.isMaster
          ? list([bulk('master'), ':0\r\n', '*0\r\n'])
          : list([bulk('slave'), bulk('node'), ':1\r\n', bulk('connected'), ':0\r\n']);
      case 'CLUSTER':
        if (sub === 'SLOTS') return slotsOf(this.known, this.around.endpoint);
        return bulk(`cluster_state:${this.isFailing ? 'fail' : 'ok'}\r\ncluster_current_epoch:${this.epoch}\r\n`);
      case 'ASKING':
        session.asking = true;
        return OK;
      case 'CLIENT':
        return OK;
      case 'READONLY':
        session.isReadonly = true;
        return OK;
      case 'SUBSCRIBE':
      case 'SSUBSCRIBE':
        return this.subscribe(words, session);
      case 'UNSUBSCRIBE':
      case 'SUNSUBSCRIBE':
        return words
          .slice(1)
          .map((channel) => session.leave(name, channel))
          .join('');
      case 'MULTI':
        session.queued = [];
        session.isRefused = false;
        return OK;
      case 'EXEC':
        return this.exec(session, asking, done);
      default:
        return session.queued === undefined
          ? this.run(words, session, asking, done)
          : this.queue(words, session, asking);
    }
  }

  private queue(words: readonly string[], session: Session, asking: boolean): string {
    const refusal = this.refusal(['MULTI'], session, asking, keysOf(words));
    if (refusal !== undefined) session.isRefused = true;
    else session.queued!.push(words);
    return refusal ?? '+QUEUED\r\n';
  }

  private exec(session: Session, asking: boolean, done: Execution[]): string {
    const { queued, isRefused } = session;
    session.queued = undefined;
    session.asking = false;
    if (queued === undefined) return '-ERR EXEC without MULTI\r\n';
    if (isRefused) return '-EXECABORT Transaction discarded because of previous errors.\r\n';
    const keys = [...new Set(queued.flatMap(keysOf))];
    const refusal = this.refusal(['EXEC'], session, asking, keys);
    if (refusal !== undefined) return refusal;
    return list(queued.map((words) => this.run(words, session, asking, done)));
  }

  private run(words: readonly string[], session: Session, asking: boolean, done: Execution[]): string {
    const refusal = words[0] === 'PUBLISH' ? this.outage() : this.refusal(words, session, asking);
    if (refusal !== undefined) return refusal;
    const executions = this.around.run(this, words);
    done.push(...executions);
    const [first] = executions;
    switch (words[0]) {
      case 'RPUSH':
        return `:${first!.n}\r\n`;
      case 'GET':
        return bulk(`${first!.key}=${first!.n}`);
      case 'MGET':
        return list(executions.map(({ key, n }) => bulk(`${key}=${n}`)));
      case 'DEL':
        for (const { key, slot } of executions) this.leaving.get(slot)?.moved.add(key);
        return `:${executions.length}\r\n`;
      case 'EVAL':
        // A script may answer what it likes.
        return `-MOVED ${(first!.slot + 1) % this.known.owners.length} ${addressOf(this.index, 'named')}\r\n`;
      case 'SPUBLISH':
        return `:${this.around.publish(this, 'shard', words[1]!, words[2]!)}\r\n`;
      case 'PUBLISH':
        return `:${this.around.publish(this, 'channel', words[1]!, words[2]!)}\r\n`;
      default:
        return OK;
    }
  }

  private outage(): string | undefined {
    return this.isLoading ? '-LOADING Redis is loading the dataset in memory\r\n' : undefined;
  }

  /** Why a command is not run here. */
  private refusal(
    words: readonly string[],
    session: Session,
    asking: boolean,
    keys = keysOf(words),
  ): string | undefined {
    const slot = hashSlot(keys[0]!);
    if (keys.some((key) => hashSlot(key) !== slot)) this.around.fail(`${words.join(' ')} has keys of several slots`);
    const outage = this.outage() ?? (this.isFailing ? DOWN : undefined);
    if (outage !== undefined) return outage;
    const owner = this.known.owners[slot]!;
    const { endpoint } = this.around;
    if (owner === this.index) {
      const leaving = this.leaving.get(slot);
      if (leaving === undefined || /PUBLISH|SUBSCRIBE/.test(words[0]!)) return undefined;
      const gone = keys.filter((key) => leaving.moved.has(key)).length;
      if (gone === 0) return undefined;
      if (gone < keys.length) return '-TRYAGAIN Multiple keys request during rehashing of slot\r\n';
      this.around.toldAsk(leaving.to, words[0] === 'EXEC' ? ['MULTI'] : words);
      return `-ASK ${slot} ${addressOf(leaving.to, endpoint)}\r\n`;
    }
    const coming = this.coming.get(slot);
    if (coming !== undefined && asking) {
      if (keys.length === 1 || keys.every((key) => coming.moved.has(key))) return undefined;
      return '-TRYAGAIN Multiple keys request during rehashing of slot\r\n';
    }
    if (owner < 0) return '-CLUSTERDOWN Hash slot not served\r\n';
    if (session.isReadonly && READS.has(words[0]!) && this.known.masters[this.index] === owner) {
      if (!this.around.readsReplicas) this.around.fail(`${words.join(' ')} is read from a replica, ${this.name}`);
      return undefined;
    }
    return `-MOVED ${slot} ${addressOf(owner, endpoint)}\r\n`;
  }

  private subscribe(words: readonly string[], session: Session): string {
    const [name = '', ...channels] = words;
    if (name === 'SSUBSCRIBE') {
      const refusal = this.refusal(words, session, false);
      if (refusal !== undefined) return refusal;
    }
    return channels.map((channel) => session.join(name, channel)).join('');
  }
}

/** The keys, or shard channels, of a request. */
export function keysOf([name = '', ...args]: readonly string[]): readonly string[] {
  if (name === 'MSET') return args.filter((_, at) => at % 2 === 0);
  if (name === 'EVAL') return [args[2]!];
  return ['MGET', 'DEL', 'SSUBSCRIBE'].includes(name) ? args : [args[0]!];
}
