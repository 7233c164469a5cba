import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { ReadPacket, WritePacket } from '@nestjs/microservices';
import {
  Observable,
  Subject,
  Subscription,
  asyncScheduler,
  connectable,
  defer,
  firstValueFrom,
  map,
  race,
  timer,
  type Connectable,
} from 'rxjs';
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
  /**
   * how long a request may be without an answer, and between one answer and the next, ms; default 30 000. The wait for the first connection
   * counts. Events have `commandTimeout`
   */
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
  /** it may be answered, and its answer be missed */
  isSent: boolean;
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
  /** Why there is no connection yet, where that is known. */
  private obstacle: Error | undefined;

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

  /**
   * Resolves when answers can come: the server has confirmed the subscription. The first request calls it. Rejects after `timeout` ms; the client
   * goes on trying.
   */
  connect(): Promise<Redis> {
    const late$ = timer(this.timeout, asyncScheduler).pipe(
      map(() => {
        throw this.unreached();
      }),
    );
    return firstValueFrom(race(this.joined(), late$));
  }

  /** As Nest's, except that the wait for a connection has an end: Nest waits for that before its timeouts begin. */
  override send<TResult = unknown, TInput = unknown>(pattern: unknown, data: TInput): Observable<TResult> {
    if (isMissing(pattern) || isMissing(data)) return super.send(pattern, data);
    return new Observable((observer) => this.publish({ pattern, data }, this.createObserver(observer)));
  }

  /** As Nest's, except that it does not wait for the channel of answers: an event has none. */
  override emit<TResult = unknown, TInput = unknown>(pattern: unknown, data: TInput): Observable<TResult> {
    if (isMissing(pattern) || isMissing(data)) return super.emit(pattern, data);
    const sent$: Connectable<TResult> = connectable(
      defer(() => this.dispatchEvent<TResult>({ pattern, data })),
      { connector: () => new Subject(), resetOnDisconnect: false },
    );
    sent$.connect();
    return sent$;
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
        settle({ err: this.pending.get(id)?.isSent === false ? this.unreached() : this.unanswered() }),
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
    this.pending.set(id, { isSent: false, answered: settle, forget });
    void this.request(packet, id).catch((error: unknown) => {
      if (this.pending.has(id)) settle({ err: error });
    });
    return forget;
  }

  protected async dispatchEvent<T = unknown>(packet: ReadPacket): Promise<T> {
    // For `status$`; what keeps it from that, the event is told by its own command.
    void this.joined().catch(() => undefined);
    const sent = this.write({ ...packet, key: randomUUID() });
    this.running.add(sent);
    await sent;
    return undefined as T;
  }

  private async request(packet: ReadPacket, id: string): Promise<void> {
    await this.joined();
    const pending = this.pending.get(id);
    // It was left meanwhile, or its time is over.
    if (pending === undefined) return;
    pending.isSent = true;
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

  private joined(): Promise<Redis> {
    this.connecting ??= this.listen().catch((error: unknown) => {
      // The next request tries again, unless the client was closed.
      if (this.lent !== undefined) this.connecting = undefined;
      throw error;
    });
    return this.connecting;
  }

  private listen(): Promise<Redis> {
    const { redis } = (this.lent ??= this.lend());
    this._status$.next('connecting');
    this.listening = new Subscription();
    return new Promise((resolve, reject) => {
      const events = redis.events$.subscribe((event) => {
        if (event.type === 'error') this.obstacle = event.error;
        if (event.connection !== 'messages' || event.type !== 'disconnect') return;
        this._status$.next('reconnecting');
        const sent = [...this.pending.values()].filter(({ isSent }) => isSent);
        this.fail('The connection was lost before there was an answer: it may have been missed', sent);
      });
      const messages = redis.subscribe(this.channel, { literal: true, gaps: true }).subscribe({
        next: (item) => {
          if ('data' in item) void this.take(item.data).catch((error: unknown) => this.unreadable(error));
          else if (item.type === 'subscribed') {
            this.obstacle = undefined;
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
      this.listening.add(() => reject(new Error(`${this.where} is closed`)));
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

  /** A text that is no answer, from someone else, or of another serializer. */
  private unreadable(error: unknown): void {
    new Logger(this.where).error(`An answer cannot be read: ${messageOf(error)}`);
  }

  private fail(message: string, requests = [...this.pending.values()]): void {
    for (const { answered } of requests) answered({ err: new Error(message) });
  }

  private unanswered(): Error {
    return new Error(`No answer within ${this.timeout} ms`);
  }

  private unreached(): Error {
    const { obstacle, timeout } = this;
    const reason = obstacle === undefined ? '' : `: ${obstacle.message}`;
    return new Error(`The server was not reached within ${timeout} ms${reason}`, { cause: obstacle });
  }
}

/** Nest refuses such a packet. */
function isMissing(value: unknown): boolean {
  return value === undefined || value === null;
}
