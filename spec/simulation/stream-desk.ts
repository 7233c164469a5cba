import type { DeskServing } from './desk';
import type { WireReply } from './keyspace';
import type { Peer } from './peer';
import type { StreamVersion } from './plan';
import * as resp from './resp';
import { StreamCommands, nil, numberBehind, type StreamWatcher } from './stream-commands';
import type { WireRequest } from './wire';

interface Serving extends DeskServing {
  readonly tell: StreamWatcher;
}

/** Where a server answers those who want something of its streams, and keeps those that wait for entries. */
export class StreamDesk {
  readonly commands: StreamCommands;
  /** in the order in which they came */
  private readonly waiting = new Set<Peer>();

  constructor(
    version: StreamVersion,
    private readonly serving: Serving,
  ) {
    this.commands = new StreamCommands(version, serving);
  }

  forget(peer: Peer): void {
    this.waiting.delete(peer);
  }

  /** What waits at a master that becomes a replica is told so, and its connection ended. */
  demote(): void {
    for (const peer of [...this.waiting]) {
      const { request } = peer.blocked!;
      const text = 'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)';
      this.release(peer);
      peer.answer(resp.error(text), request, { error: text });
      this.serving.hangUp(peer);
    }
  }

  /** Ends the wait of a connection by an error. @returns whether it waited here */
  unblock(index: number): boolean {
    const peer = [...this.waiting].find((one) => one.index === index);
    if (peer === undefined) return false;
    const { request } = peer.blocked!;
    const text = 'UNBLOCKED client unblocked via CLIENT UNBLOCK';
    this.release(peer);
    peer.answer(resp.error(text), request, { error: text });
    this.serving.goOn(peer);
    return true;
  }

  /** How many connections wait here. */
  get waits(): number {
    return this.waiting.size;
  }

  /** Another client adds an entry. */
  add(name: string, fields: readonly string[]): void {
    this.commands.add(name, fields);
    this.serve(name);
  }

  /** @returns whether the request is about a stream and has been dealt with */
  take(peer: Peer, request: WireRequest): boolean {
    if (!isOfStream(request.words) || peer.transaction !== undefined) return false;
    const refusal = this.serving.refusal(peer, request);
    if (refusal !== undefined) peer.answer(resp.error(refusal), request, { error: refusal });
    else this.work(peer, request);
    return true;
  }

  /** Runs a command of a transaction, which never waits. */
  run(protocol: 2 | 3, words: readonly string[]): WireReply {
    const text = this.commands.replyTo(protocol, words);
    return [text ?? nil(protocol), ''];
  }

  private work(peer: Peer, request: WireRequest): void {
    const { words } = request;
    const text = this.commands.replyTo(peer.protocol, words);
    const block = numberBehind(words, 'BLOCK');
    if (text === undefined && block !== undefined) this.block(peer, request, block);
    else this.answer(peer, request, text);
  }

  private answer(peer: Peer, request: WireRequest, text: string | undefined): void {
    request.ran = text?.startsWith('-') !== true;
    const reply = text ?? nil(peer.protocol);
    peer.answer(reply, request, text?.startsWith('-') === true ? { error: text.slice(1, -2) } : { value: '' });
  }

  private block(peer: Peer, request: WireRequest, wait: number): void {
    const giveUp = () => {
      this.release(peer);
      this.answer(peer, request, undefined);
      this.serving.goOn(peer);
    };
    peer.blocked = { request, timer: this.serving.after(wait, giveUp) };
    this.waiting.add(peer);
    this.wakeForIdle(peer, request);
  }

  /** With CLAIM a wait is over when an entry has been pending for long enough, too. */
  private wakeForIdle(peer: Peer, request: WireRequest): void {
    const { words } = request;
    const least = numberBehind(words, 'CLAIM');
    const group = this.commands.groupOf(words);
    if (least === undefined || group === undefined) return;
    const first = Math.min(...[...group.pending.values()].map(({ since }) => since));
    if (first === Infinity) return;
    this.serving.after(Math.max(0, first + least - this.serving.now()), () => {
      if (peer.blocked?.request === request) this.serveTo(peer);
    });
  }

  private release(peer: Peer): void {
    peer.blocked?.timer?.unsubscribe();
    peer.blocked = undefined;
    this.waiting.delete(peer);
  }

  private serve(name: string): void {
    for (const peer of [...this.waiting]) if (peer.blocked?.request.words.includes(name)) this.serveTo(peer);
  }

  private serveTo(peer: Peer): void {
    const { request } = peer.blocked!;
    const text = this.commands.replyTo(peer.protocol, request.words);
    if (text === undefined) return;
    this.release(peer);
    this.answer(peer, request, text);
    this.serving.goOn(peer);
  }
}

/** It is about streams. */
export function isOfStream([name]: readonly string[]): boolean {
  return name!.startsWith('X') && !name!.includes('.');
}

/** A replica refuses it. */
export function writesStream([name, first]: readonly string[]): boolean {
  return /^X(ADD|ACK|ACKDEL|DEL|CLAIM|READGROUP|GROUP)$/.test(name!) && first !== undefined;
}

/** A server without memory to spare refuses it. */
export function growsStream([name, first]: readonly string[]): boolean {
  return name === 'XADD' || (name === 'XGROUP' && first === 'CREATE');
}
