import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Command } from '../../../src/commands/command';
import { SessionSurface } from '../../../src/commands/generated/session';
import { Reply, type ReplySource } from '../../../src/commands/reply';
import { toReplyError } from '../../../src/commands/reply-error';
import type { Request } from '../../../src/commands/request';
import { plainContext, type Executor } from '../../../src/commands/request-context';
import { Decoder, INCOMPLETE } from '../../../src/resp/decoder';
import { Encoder } from '../../../src/resp/encoder';
import { ErrorFrame, Push, type Frame } from '../../../src/resp/frames';

/** How a session talks and what its replies hold. */
export interface SessionOptions {
  readonly protocol: 2 | 3;
  readonly bytes?: boolean;
  readonly prefix?: string;
}

/**
 * A connection and nothing around it: what the generated commands do on a real server shows here without the client's own doing,
 * those too that a client would not let through.
 */
export class RawSession<S extends string | Buffer = string> extends SessionSurface<S> implements Executor {
  private readonly waiting: Request[] = [];
  private readonly encoder = new Encoder();
  private readonly decoder: Decoder;
  /** pushes that no command waited for */
  readonly pushes: Push[] = [];
  readonly from: ReplySource;

  private constructor(
    readonly socket: Socket,
    { bytes = false, prefix = '' }: SessionOptions,
  ) {
    super();
    this.from = {
      ...plainContext,
      bytes,
      prefix,
      executor: this,
    };
    this.decoder = new Decoder(undefined, {
      reply: () => this.waiting[0]?.context.bytes === true || this.waiting[0]?.command.spec.binary === true,
      push: () => bytes,
    });
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('error', () => undefined);
  }

  static async open<S extends string | Buffer = string>(
    { host, port }: { host: string; port: number },
    options: SessionOptions,
  ): Promise<RawSession<S>> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    const session = new RawSession<S>(socket, options);
    if (options.protocol === 3) await session.hello(3);
    return session;
  }

  /** Any command by words, for what specs have to prepare. */
  run<T>(command: Command<T>): Reply<T> {
    return this.send(command);
  }

  submit(request: Request): void {
    this.waiting.push(request);
    this.submitUnanswered(request.command);
  }

  /** Sends a command that the server will not answer. */
  submitUnanswered({ spec, args }: Command): void {
    this.encoder.add(spec.words, spec.head, args);
    for (const chunk of this.encoder.take()) this.socket.write(Buffer.from(chunk));
    this.encoder.release(true);
  }

  close(): void {
    this.socket.destroy();
  }

  protected send<T>(command: Command<T>): Reply<T> {
    return Reply.from(this.from, command);
  }

  protected sendAnswered<T>(command: Command<T>): Reply<T> {
    return Reply.answered(command);
  }

  private receive(chunk: Buffer): void {
    this.decoder.push(chunk);
    for (let frame = this.decoder.read(); frame !== INCOMPLETE; frame = this.decoder.read()) this.settle(frame);
  }

  private settle(frame: Frame): void {
    const [head] = this.waiting;
    if (frame instanceof Push && head?.command.spec.confirmation !== frame.kind) {
      this.pushes.push(frame);
      return;
    }
    this.waiting.shift();
    if (frame instanceof ErrorFrame) head?.fail(toReplyError(frame, head.command));
    else head?.settle(frame);
  }
}
