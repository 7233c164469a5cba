import { ConnectionError } from '../../../src/errors';
import { Decoder, INCOMPLETE } from '../../../src/resp/decoder';
import { ScriptedSocket } from '../../support/scripted-socket';

/** What is observed of the commands that come to a server. */
export interface ServingObserver {
  /** A user's command, by what it names, has come to a connection that is in this state. */
  arrived(socket: ServingSocket, name: string, traces: readonly string[]): void;
}

/** A connection as its server has it: commands are answered in their order, when the simulation says so. */
export class ServingSocket extends ScriptedSocket {
  private readonly decoder = new Decoder();
  private readonly unanswered: string[][] = [];
  private database = '0';
  private isWatching = false;
  private queued: string[] | undefined;
  /** the server or the network has ended it */
  isCut = false;

  constructor(private readonly observer: ServingObserver) {
    super();
  }

  get isOpen(): boolean {
    return !this.destroyed && !this.isCut;
  }

  get owes(): boolean {
    return this.isOpen && this.unanswered.length > 0;
  }

  override write(chunks: readonly Uint8Array[]): boolean {
    for (const chunk of chunks) this.decoder.push(Buffer.from(chunk));
    for (let frame = this.decoder.read(); frame !== INCOMPLETE; frame = this.decoder.read()) {
      const words = (frame as unknown[]).map(String);
      if (words[0] === 'ECHO') this.observer.arrived(this, words[1]!, this.traces);
      this.unanswered.push(words);
    }
    return true;
  }

  /** What its users have left on it. Commands that are not answered count as run. */
  private get traces(): readonly string[] {
    const traces: string[] = [];
    const words = this.unanswered.map(([word]) => word);
    const isOver = words.some((word) => word === 'UNWATCH' || word === 'DISCARD');
    if (this.database !== '0' || words.includes('SELECT')) traces.push('another database');
    if (!isOver && (this.isWatching || words.includes('WATCH'))) traces.push('watched keys');
    if (!isOver && (this.queued !== undefined || words.includes('MULTI'))) traces.push('an open MULTI');
    return traces;
  }

  /** Answers so many commands. */
  answer(count: number): void {
    for (let left = count; left > 0 && this.owes; left--) this.receive(this.replyTo(this.unanswered.shift()!));
  }

  private replyTo([name, value]: readonly string[]): string {
    if (name === 'HELLO') return '%1\r\n+proto\r\n:3\r\n';
    if (name === 'PING') return '+PONG\r\n';
    if (name === 'MULTI') this.queued = [];
    else if (name === 'DISCARD') {
      this.queued = undefined;
      this.isWatching = false;
    } else if (this.queued !== undefined) {
      this.queued.push(name!);
      return '+QUEUED\r\n';
    } else if (name === 'ECHO') return `$${value!.length}\r\n${value}\r\n`;
    if (name === 'WATCH') this.isWatching = true;
    if (name === 'UNWATCH') this.isWatching = false;
    if (name === 'SELECT') this.database = value!;
    return '+OK\r\n';
  }

  cut(): void {
    if (!this.isOpen) return;
    this.isCut = true;
    this.bytes$.error(new ConnectionError('cut'));
  }
}
