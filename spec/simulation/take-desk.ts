import type { Peer } from './peer';
import * as resp from './resp';
import type { WireRequest } from './wire';

/** What the desk needs of the server. */
interface Serving {
  /** why a command is refused just now */
  refusal(peer: Peer, request: WireRequest): string | undefined;
  /** the connections that are open, in the order in which they were made */
  readonly peers: ReadonlySet<Peer>;
  /** something happens at the server, so many ms from now */
  after(delay: number, work: () => void): { unsubscribe(): void };
  /** a connection that waited goes on */
  goOn(peer: Peer): void;
  /** ends the wait of the connection that is the so-many-th, where it waits for something else; returns whether it did */
  unblock(index: number): boolean;
  readonly tell: TakeWatcher;
}

/** Hears what becomes of the elements of lists. */
export interface TakeWatcher {
  /** an element was pushed by another client */
  pushed(element: string): void;
  /** a command has taken an element, for its caller or into a list of its own */
  popped(take: number, element: string, request: WireRequest): void;
  /** an element is pushed back by the client */
  returned(element: string, request: WireRequest): void;
  /** a command's wait was ended by the client */
  unblocked(take: number): void;
  /** the server has lost its memory, and these elements with it */
  forgotten(elements: readonly string[]): void;
}

/** Where a server keeps the lists that clients wait for, and those that wait. */
export class TakeDesk {
  private lists = new Map<string, string[]>();
  /** in the order in which they came */
  private readonly waiting = new Set<Peer>();

  constructor(private readonly serving: Serving) {}

  /** All elements that are in lists, as often as they are. */
  get elements(): readonly string[] {
    return [...this.lists.values()].flat();
  }

  restart(): void {
    this.serving.tell.forgotten(this.elements);
    this.lists = new Map();
  }

  forget(peer: Peer): void {
    this.waiting.delete(peer);
  }

  /** Another client pushes. */
  push(list: string, element: string): void {
    this.serving.tell.pushed(element);
    this.listOf(list).push(element);
    this.serve(list);
  }

  /** @returns whether the request is about such a list, or ends a wait, and has been dealt with */
  take(peer: Peer, request: WireRequest): boolean {
    const [name, first] = request.words;
    if (name === 'CLIENT' && first === 'ID') peer.answer(resp.integer(idOf(peer)), request, { value: '' });
    else if (name === 'CLIENT' && first === 'UNBLOCK') this.unblock(peer, request);
    else if (first?.startsWith('Q:') !== true) return false;
    else this.work(peer, request);
    return true;
  }

  private work(peer: Peer, request: WireRequest): void {
    const refusal = this.serving.refusal(peer, request);
    if (refusal !== undefined) {
      peer.answer(resp.error(refusal), request, { error: refusal });
      return;
    }
    const [name, list] = request.words;
    if (name === 'LPUSH' || name === 'RPUSH') this.giveBack(peer, request);
    else if (this.listOf(list!).length > 0) this.serveTo(peer, request);
    else this.block(peer, request);
  }

  private giveBack(peer: Peer, request: WireRequest): void {
    const [name, list, ...elements] = request.words;
    for (const element of elements) {
      this.serving.tell.returned(element, request);
      if (name === 'LPUSH') this.listOf(list!).unshift(element);
      else this.listOf(list!).push(element);
    }
    peer.answer(resp.integer(this.listOf(list!).length), request, { value: '' });
    this.serve(list!);
  }

  private serve(list: string): void {
    for (const peer of [...this.waiting]) {
      const { blocked } = peer;
      if (blocked === undefined || blocked.request.words[1] !== list || this.listOf(list).length === 0) continue;
      this.release(peer);
      this.serveTo(peer, blocked.request);
      this.serving.goOn(peer);
    }
  }

  private serveTo(peer: Peer, request: WireRequest): void {
    const { words } = request;
    const list = words[1]!;
    const take = takeOf(words)!;
    const element = this.listOf(list).shift()!;
    request.ran = true;
    this.serving.tell.popped(take, element, request);
    if (words[0] === 'BLMOVE') this.listOf(words[2]!).push(element);
    const text = words[0] === 'BLMOVE' ? resp.bulk(element) : resp.array([resp.bulk(list), resp.bulk(element)]);
    peer.answer(text, request, { value: element });
  }

  private block(peer: Peer, request: WireRequest): void {
    const wait = Number(request.words.at(-1)) * 1000;
    const giveUp = () => {
      this.release(peer);
      request.ran = true;
      const nil = peer.protocol === 3 || request.words[0] === 'BLMOVE' ? resp.nothing(peer.protocol) : '*-1\r\n';
      peer.answer(nil, request, { value: 'null' });
      this.serving.goOn(peer);
    };
    peer.blocked = { request, timer: wait > 0 ? this.serving.after(wait, giveUp) : undefined };
    this.waiting.add(peer);
  }

  private release(peer: Peer): void {
    peer.blocked?.timer?.unsubscribe();
    peer.blocked = undefined;
    this.waiting.delete(peer);
  }

  /** Ends the wait of another connection, by an error. */
  private unblock(peer: Peer, request: WireRequest): void {
    const id = Number(request.words[2]);
    const other = [...this.waiting].find((one) => idOf(one) === id);
    if (other !== undefined) {
      const { request: ended } = other.blocked!;
      this.release(other);
      this.serving.tell.unblocked(takeOf(ended.words)!);
      const text = 'UNBLOCKED client unblocked via CLIENT UNBLOCK';
      other.answer(resp.error(text), ended, { error: text });
      this.serving.goOn(other);
    }
    const isUnblocked = other !== undefined || this.serving.unblock(id - 1);
    peer.answer(resp.integer(isUnblocked ? 1 : 0), request, { value: '' });
  }

  private listOf(name: string): string[] {
    let list = this.lists.get(name);
    if (list === undefined) this.lists.set(name, (list = []));
    return list;
  }
}

function idOf({ index }: Peer): number {
  return index + 1;
}

/** Which take a command is: it names an empty list, or a list to move to, that no other names. */
export function takeOf(words: readonly string[]): number | undefined {
  const id = /^[TD]:(\d+)$/.exec(words[2] ?? '');
  return id === null ? undefined : Number(id[1]);
}
