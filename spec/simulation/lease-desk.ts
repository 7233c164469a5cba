import type { Peer } from './peer';
import type { CounterType } from './plan';
import * as resp from './resp';
import { useOf } from './use';
import type { WireRequest } from './wire';

/** What a reply is, and what it stands for in canonical form. */
type Text = string;

/** What the desk needs of the server. */
interface Serving {
  /** why a command is refused just now */
  refusal(peer: Peer, request: WireRequest): string | undefined;
  fail(violation: string): void;
  /** the first command of a use has come to a connection, and nothing is done with it yet */
  arrived(peer: Peer, use: number): void;
  /** a transaction runs that sets a counter */
  incremented(peer: Peer, use: number, from: number, to: number): void;
  /** what a use watches has changed */
  disturbed(use: number): void;
  /** a counter is of another type from now on, or gone */
  retyped(key: string): void;
}

/** A connection that users are lent, as the server has it. */
export interface LentState {
  /** whose commands come */
  use: number | undefined;
  /** what the connection was when the handshake was over */
  database: number;
  clientName: string | undefined;
  /** the versions of watched keys */
  readonly watched: Map<string, number>;
  /** what MULTI has queued */
  transaction: { readonly queued: WireRequest[]; isAborted: boolean } | undefined;
}

/** Where a server serves lent connections: transactions by hand, WATCH, and counters. */
export class LeaseDesk {
  private values = new Map<string, number>();
  private versions = new Map<string, number>();
  /** those of counters that are no strings */
  private types = new Map<string, CounterType>();
  private readonly lents = new Set<LentState>();

  constructor(private readonly serving: Serving) {}

  /** Its memory is lost. Those that watch are gone with their connections. */
  restart(): void {
    for (const key of this.values.keys()) this.serving.retyped(key);
    this.values = new Map();
    this.versions = new Map();
    this.types = new Map();
  }

  /** Another client increments a counter. */
  touch(key: string): void {
    this.write(key, (this.values.get(key) ?? 0) + 1);
  }

  /** Another client makes something else of a counter. */
  retype(key: string, type: CounterType): void {
    if (this.typeOf(key) === type) return;
    this.serving.retyped(key);
    this.write(key, this.values.get(key) ?? 0, type);
    if (type === 'none') this.values.delete(key);
  }

  /** @returns whether the request is one of a user on a lent connection, and has been answered */
  take(peer: Peer, request: WireRequest): boolean {
    const { lent } = peer;
    if (lent === undefined) return false;
    const use = useOf(request.words);
    if (use !== undefined && use !== lent.use) {
      if (lent.use === undefined) [lent.database, lent.clientName] = [peer.database, peer.clientName];
      this.serving.arrived(peer, use);
      lent.use = use;
      this.lents.add(lent);
    }
    if (!isUsers(request, lent)) return false;
    const text = this.replyTo(peer, lent, request);
    peer.answer(text, request, text.startsWith('-') ? { error: text.slice(1, -2) } : { value: '' });
    return true;
  }

  private replyTo(peer: Peer, lent: LentState, request: WireRequest): Text {
    const { words } = request;
    switch (words[0]) {
      case 'MULTI':
        if (lent.transaction !== undefined) return resp.error('ERR MULTI calls can not be nested');
        lent.transaction = { queued: [], isAborted: false };
        return resp.simple('OK');
      case 'EXEC':
        return this.exec(peer, lent);
      case 'DISCARD':
        if (lent.transaction === undefined) return resp.error('ERR DISCARD without MULTI');
        lent.transaction = undefined;
        lent.watched.clear();
        return resp.simple('OK');
      default:
        return this.queueOrRun(peer, lent, request);
    }
  }

  private queueOrRun(peer: Peer, lent: LentState, request: WireRequest): Text {
    const { words } = request;
    const refusal = /^(UNWATCH|SELECT|CLIENT)$/.test(words[0]!) ? undefined : this.serving.refusal(peer, request);
    if (refusal !== undefined) {
      if (lent.transaction !== undefined) lent.transaction.isAborted = true;
      return resp.error(refusal);
    }
    if (lent.transaction === undefined) return this.execute(peer, lent, words);
    lent.transaction.queued.push(request);
    return resp.simple('QUEUED');
  }

  private exec(peer: Peer, lent: LentState): Text {
    const { transaction } = lent;
    if (transaction === undefined) return resp.error('ERR EXEC without MULTI');
    const isChanged = [...lent.watched].some(([key, version]) => this.versionOf(key) !== version);
    lent.transaction = undefined;
    lent.watched.clear();
    if (transaction.isAborted) return resp.error('EXECABORT Transaction discarded because of previous errors.');
    if (isChanged) return peer.protocol === 3 ? resp.nothing(3) : '*-1\r\n';
    const refusal = transaction.queued.map((one) => this.serving.refusal(peer, one)).find((one) => one !== undefined);
    if (refusal !== undefined) return resp.error(`EXECABORT Transaction discarded because of: ${refusal}`);
    const set = transaction.queued.find(({ words }) => /^(SET|HSET|LSET)$/.test(words[0]!));
    if (set !== undefined) {
      const { words } = set;
      this.serving.incremented(peer, lent.use!, this.values.get(words[1]!) ?? 0, Number(words.at(-1)));
    }
    return resp.array(transaction.queued.map(({ words }) => this.execute(peer, lent, words)));
  }

  private execute(peer: Peer, lent: LentState, words: readonly string[]): Text {
    const [name, key, value] = words;
    switch (name) {
      case 'WATCH':
        for (const watched of words.slice(1)) lent.watched.set(watched, this.versionOf(watched));
        return resp.simple('OK');
      case 'UNWATCH':
        lent.watched.clear();
        return resp.simple('OK');
      case 'SELECT':
        peer.database = Number(key);
        return resp.simple('OK');
      case 'CLIENT':
        peer.clientName = value;
        return resp.simple('OK');
      case 'GET':
        return this.read(peer, key!);
      case 'TYPE':
        return resp.simple(this.typeOf(key!));
      case 'HGETALL': {
        const fields = [[resp.bulk('n'), resp.bulk(this.textOf(key!) ?? '')]] as const;
        return this.readAs('hash', key!, resp.map(peer.protocol, fields), resp.map(peer.protocol, []));
      }
      case 'LRANGE':
        return this.readAs('list', key!, resp.array([resp.bulk(this.textOf(key!) ?? '')]), resp.array([]));
      case 'SMEMBERS':
      case 'ZRANGE':
      case 'XRANGE':
        return this.readAs(undefined, key!, '', resp.array([]));
      case 'MGET':
        return resp.array(words.slice(1).map((one) => this.read(peer, one)));
      case 'SET':
        if (this.typeOf(key!) !== 'string') this.serving.retyped(key!);
        this.write(key!, Number(value), 'string');
        return resp.simple('OK');
      case 'HSET':
        this.write(key!, Number(words[3]));
        return resp.integer(0);
      case 'LSET':
        this.write(key!, Number(words[3]));
        return resp.simple('OK');
      case 'INCR':
        this.touch(key!);
        if (this.values.get(key!) !== 1) this.serving.fail(`link ${peer.index}: INCR of ${key} has run twice`);
        return resp.integer(this.values.get(key!)!);
      default:
        this.serving.fail(`link ${peer.index}: the server got ${words.join(' ').slice(0, 60)}, which nobody has sent`);
        return resp.error('ERR unknown command');
    }
  }

  private read(peer: Peer, key: string): Text {
    const text = this.typeOf(key) === 'string' ? this.textOf(key) : undefined;
    return text === undefined ? resp.nothing(peer.protocol) : resp.bulk(text);
  }

  /** A key of a type, or one that is not there. */
  private readAs(wanted: CounterType | undefined, key: string, text: Text, nothing: Text): Text {
    const type = this.typeOf(key);
    if (type === 'none') return nothing;
    return type === wanted ? text : resp.error('WRONGTYPE Operation against a key holding the wrong kind of value');
  }

  private typeOf(key: string): CounterType {
    if (this.textOf(key) === undefined) return 'none';
    return this.types.get(key) ?? 'string';
  }

  private textOf(key: string): string | undefined {
    if (key.startsWith('L:')) return valueOfUse(Number(key.slice(2)));
    return this.values.get(key)?.toString();
  }

  private versionOf(key: string): number {
    return this.versions.get(key) ?? 0;
  }

  private write(key: string, value: number, type?: CounterType): void {
    for (const { watched, use } of this.lents) if (watched.has(key)) this.serving.disturbed(use!);
    this.values.set(key, value);
    if (type !== undefined) this.types.set(key, type);
    this.versions.set(key, this.versionOf(key) + 1);
  }
}

/** What the key of a use holds. */
export function valueOfUse(use: number): string {
  return `l${use}`;
}

/** It is neither of the handshake nor the client's own: whether it lives, who it is, and whose replies come. */
function isUsers({ words }: WireRequest, { use }: LentState): boolean {
  if (use === undefined) return /^[WTLN]:/.test(words[1] ?? '');
  return !/^(PING|AUTH|HELLO|ECHO|MONITOR)$/.test(words[0]!);
}
