import type { Journal } from './journal';
import { isSubscribed, type Peer } from './peer';
import type { RefusalWord } from './plan';
import * as resp from './resp';
import type { Expectations } from './server';
import type { WireRequest } from './wire';

/** What a server that has no room for another connection says, whatever it is asked. */
export const FAREWELL = 'ERR max number of clients reached';
/** Refusals of the handshake that Redis means for the moment; the user's own commands may meet others. */
const MOMENTARY: ReadonlySet<string> = new Set(['LOADING', 'BUSY', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN']);

/** How the refusal of a command in the handshake ends. */
export const NOT_GREETED = ' is not for you';

export function isMomentary(text: string): boolean {
  // What a command of a module means by such a word nobody knows.
  return MOMENTARY.has(text.split(' ')[0]!) && !text.includes('X.PREPARE');
}

/** Where a server takes its connections in: what they sign in with, and what they want to be. */
export class Reception {
  constructor(
    private readonly journal: Journal,
    private readonly expected: Expectations,
    /** what the server refuses everything with just now */
    private readonly refusing: () => RefusalWord | undefined,
  ) {}

  greet(peer: Peer, request: WireRequest): void {
    const { words } = request;
    // Asked once more in RESP2, the last word counts.
    const before = peer.refusals.findIndex((refusal) => refusal.includes(` ${words[0]} `));
    if (before !== -1 && words[1] !== 'SETINFO') peer.refusals.splice(before, 1);
    const ok = () => peer.answer(resp.simple('OK'), request, { value: '"OK"' });
    const refuse = (text: string) => peer.answer(resp.error(text), request, { error: text });
    const refuseForGood = (text: string) => {
      if (!isMomentary(text)) peer.refusals.push(text);
      refuse(text);
    };
    switch (words[0]) {
      case 'HELLO': {
        this.journal.count(peer.refusesHello ?? 'hello');
        if (peer.refusesHello === 'resp2') return refuse("ERR unknown command 'HELLO'");
        if (peer.refusesHello === 'noproto') return refuse('NOPROTO unsupported protocol version');
        const auth = words.indexOf('AUTH');
        if (auth !== -1 && !this.signIn(peer, words[auth + 2]!))
          return refuseForGood('WRONGPASS invalid username-password pair');
        if (this.expected.password && peer.password === undefined)
          return refuse('NOAUTH HELLO must be called with the client authenticated');
        if (words.includes('SETNAME')) peer.clientName = words[words.indexOf('SETNAME') + 1];
        return this.welcome(peer, request);
      }
      case 'PING':
        // A subscribed connection answers in RESP2 as if it were a message.
        if (!isSubscribed(peer) || peer.protocol === 3) peer.answer(resp.simple('PONG'), request, { value: '"PONG"' });
        else peer.answer(resp.array([resp.bulk('pong'), resp.bulk('')]), request, { value: '["pong",""]' });
        return;
      case 'AUTH':
        if (peer.protocol === 2 && isSubscribed(peer)) {
          this.journal.fail('AUTH was sent on a connection that only takes subscriptions');
        }
        if (peer.password !== undefined) this.journal.count('signed in again');
        if (this.signIn(peer, words.at(-1)!)) return ok();
        // Who is signed in already stays so.
        return (peer.password === undefined ? refuseForGood : refuse)('WRONGPASS invalid username-password pair');
      case 'SELECT':
      case 'CLIENT':
      case 'X.PREPARE': {
        if (this.expected.password && peer.password === undefined) return refuse('NOAUTH Authentication required.');
        if (words[1] === 'SETINFO' && peer.refusesHello === 'resp2') return refuse('ERR unknown subcommand');
        const refusal = this.refusalOf(peer, words[0]);
        const isNameless = words[1] === 'SETNAME' && refusal?.startsWith('NOPERM') === true;
        if (isNameless) peer.isNameless = true;
        // A courtesy is refused for nothing.
        if (refusal !== undefined) return (words[1] === 'SETINFO' || isNameless ? refuse : refuseForGood)(refusal);
        if (words[0] === 'SELECT') peer.database = Number(words[1]);
        if (words[0] === 'X.PREPARE') peer.prepared = true;
        if (words[1] === 'SETNAME') peer.clientName = words[2];
        return ok();
      }
      default:
        this.journal.fail(`the server got ${words.join(' ').slice(0, 60)}, which nobody has sent`);
        return refuse('ERR unknown command');
    }
  }

  /** The server says which version of RESP it speaks from now on, and speaks it. */
  private welcome(peer: Peer, request: WireRequest): void {
    const { helloAnswer } = peer;
    if (helloAnswer !== undefined) this.journal.count(`hello answered by ${helloAnswer}`);
    peer.protocol = helloAnswer === undefined || helloAnswer === 'arrayOf3' ? 3 : 2;
    const version: [string, string] = [resp.bulk('proto'), resp.integer(peer.protocol)];
    const isMap = helloAnswer === undefined || helloAnswer === 'mapOf2';
    const text = helloAnswer === 'ok' ? resp.simple('OK') : isMap ? resp.map(3, [version]) : resp.array(version);
    peer.answer(text, request, { value: '' });
  }

  private refusalOf({ refusesGreeting }: Peer, command: string): string | undefined {
    if (refusesGreeting?.command === command) {
      this.journal.count(`${command} refused`);
      return `${refusesGreeting.word} ${command}${NOT_GREETED}`;
    }
    const word = this.refusing();
    if (word === undefined || !MOMENTARY.has(word)) return undefined;
    this.journal.count('handshake refused for the moment');
    return `${word} ${command} not now`;
  }

  private signIn(peer: Peer, password: string): boolean {
    if (peer.refusesPassword || !password.startsWith('secret')) {
      this.journal.count('wrongpass');
      return false;
    }
    peer.password = password;
    return true;
  }
}
