import { randomUUID } from 'node:crypto';
import type { ReadPacket, WritePacket } from '@nestjs/microservices';
import { Subscription, asyncScheduler, timer, type Observable } from 'rxjs';
import type { Redis } from '../index';
import { duration } from './checks';
import {
  BaseClient,
  Running,
  lentClient,
  messageOf,
  parsed,
  replyChannel,
  type Lent,
  type RedisTransportOptions,
  type RedisTransportStatus,
  type Sent,
} from './transport';

/** How long a request waits. */
export interface RequestingOptions extends RedisTransportOptions {
  /** how long a request may be without an answer, and between one answer and the next, ms; default 30 000 */
  readonly timeout?: number | undefined;
}

/** What travels to a client. */
interface Answer {
  readonly id: string;
  readonly err?: unknown;
  readonly response?: unknown;
  readonly isDisposed?: boolean;
}

interface Pending {
  readonly answered: (packet: WritePacket) => void;
  readonly forget: () => void;
}

const TIMEOUT = 30_000;

/** What clients of all transports have in common: a channel of their own for what they are answered, and an end for every request. */
export abstract class RequestingClient extends BaseClient {
  private readonly options: RequestingOptions;
  private readonly timeout: number;
  private readonly channel = replyChannel();
  private readonly pending = new Map<string, Pending>();
  private readonly running = new Running();
  private lent: Lent | undefined;
  private listening = new Subscription();
  private connecting: Promise<Redis> | undefined;

  /**
   * @internal
   * @param own the options of the transport itself, beside those that all have
   */
  protected constructor(
    private readonly where: string,
    options: RequestingOptions,
    private readonly own: readonly string[] = [],
  ) {
    super();
    const { timeout = TIMEOUT } = options;
    duration(where, 'timeout', timeout);
    this.timeout = timeout;
    this.options = options;
    this.lent = this.lend();
    this.initializeSerializer(options as never);
    this.initializeDeserializer(options as never);
  }

  /** What the transport is doing: the present first. */
  get status$(): Observable<RedisTransportStatus> {
    return this.status as Observable<RedisTransportStatus>;
  }

  /** Resolves when answers can come: the server has confirmed the subscription. It is called by the first request. */
  connect(): Promise<Redis> {
    this.connecting ??= this.listen().catch((error: unknown) => {
      // The next request tries again.
      this.connecting = undefined;
      throw error;
    });
    return this.connecting;
  }

  /** Waits for answers that are due, for `drainTimeout` ms; then requests that are left error, and the client that it has made is closed. */
  async close(): Promise<void> {
    const { lent } = this;
    if (lent === undefined) return;
    this.lent = undefined;
    await this.running.settled(lent.drainTimeout);
    this.fail('The client was closed before there was an answer');
    this.listening.unsubscribe();
    await lent.close();
    this._status$.next('disconnected');
  }

  /** The Redis client. */
  unwrap<T = Redis>(): T {
    return this.open().redis as T;
  }

  /**
   * @internal
   * @param route of the pattern
   */
  protected abstract deliver(redis: Redis, route: string, text: string, isRequest: boolean): Promise<void>;

  protected publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const id = randomUUID();
    const overdue = (): Subscription =>
      timer(this.timeout, asyncScheduler).subscribe(() =>
        settle({ err: new Error(`No answer within ${this.timeout} ms`) }),
      );
    let timing = overdue();
    let ended = (): void => undefined;
    this.running.add(new Promise<void>((resolve) => (ended = resolve)));
    const forget = (): void => {
      timing.unsubscribe();
      this.pending.delete(id);
      ended();
    };
    const settle = (answer: WritePacket): void => {
      timing.unsubscribe();
      if (answer.err !== undefined || answer.isDisposed === true) forget();
      else timing = overdue();
      callback(answer);
    };
    this.pending.set(id, { answered: settle, forget });
    void this.request(packet, id).catch((error: unknown) => {
      if (this.pending.has(id)) settle({ err: error });
    });
    return forget;
  }

  protected async dispatchEvent<T = unknown>(packet: ReadPacket): Promise<T> {
    const sent = this.write({ ...packet, key: randomUUID() });
    this.running.add(sent);
    await sent;
    return undefined as T;
  }

  private async request(packet: ReadPacket, id: string): Promise<void> {
    await this.write({ ...packet, id, key: id, replyTo: this.channel });
  }

  private async write(sent: Sent): Promise<void> {
    const text = JSON.stringify(this.serializer.serialize(sent));
    await this.deliver(this.open().redis, this.normalizePattern(sent.pattern as string), text, sent.id !== undefined);
  }

  private open(): Lent {
    if (this.lent === undefined) throw new Error(`${this.where} is closed`);
    return this.lent;
  }

  private lend(): Lent {
    return lentClient(this.where, this.options, [...this.own, 'timeout', 'serializer', 'deserializer']);
  }

  private listen(): Promise<Redis> {
    const { redis } = (this.lent ??= this.lend());
    this._status$.next('connecting');
    this.listening = new Subscription();
    return new Promise((resolve, reject) => {
      const events = redis.events$.subscribe(({ connection, type }) => {
        if (connection !== 'messages' || type !== 'disconnect') return;
        this._status$.next('reconnecting');
        this.fail('The connection was lost before there was an answer: it may have been missed');
      });
      const messages = redis.subscribe(this.channel, { literal: true, gaps: true }).subscribe({
        next: (item) => {
          if ('data' in item) void this.take(item.data);
          else if (item.type === 'subscribed') {
            this._status$.next('connected');
            resolve(redis);
          }
        },
        error: (error: unknown) => {
          this._status$.next('disconnected');
          this.connecting = undefined;
          this.fail(messageOf(error));
          reject(error instanceof Error ? error : new Error(messageOf(error)));
        },
        complete: () => reject(new Error('The client is closed')),
      });
      this.listening.add(events);
      this.listening.add(messages);
    });
  }

  private async take(text: string): Promise<void> {
    const packet = (await this.deserializer.deserialize(parsed(text))) as Answer;
    const { id, err, response, isDisposed } = packet;
    const answer = err === undefined || err === null ? { response } : { err };
    this.pending.get(id)?.answered({ ...answer, ...(isDisposed === true ? { isDisposed } : {}) });
  }

  private fail(message: string): void {
    for (const { answered } of [...this.pending.values()]) answered({ err: new Error(message) });
  }
}
