import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { filter, firstValueFrom, map, type Observable, Subject } from 'rxjs';
import { type Direction, type DirectionFaults, noFaults } from './faults';
import { equalPieces, type PieceSizes, randomPieces } from './piece-sizes';
import { type ByteCounts, ProxiedConnection, type Target } from './proxied-connection';

export interface ProxyOptions {
  readonly target: Target;
}

export type ProxyEvent =
  | { readonly type: 'opened'; readonly connection: ProxiedConnection }
  | { readonly type: 'closed'; readonly connection: ProxiedConnection }
  | { readonly type: 'unreachable'; readonly connection: ProxiedConnection; readonly error: Error }
  /** The allowance of `cutAfter` is used up; every connection has been cut. */
  | { readonly type: 'cut-after'; readonly direction: Direction };

// Below the kernel's range for outgoing connections, so that a refused port is still ours when it is opened again;
// above what servers of specs and their cluster buses take.
const FIRST_PORT = 30_000;
const LAST_PORT = 32_700;

/**
 * Puts a TCP proxy that breaks connections on purpose before a server.
 * @example
 * const proxy = await startProxy({ target: server });
 * const client = connect(proxy.port, proxy.host);
 * await proxy.nextConnection();
 * proxy.cut();
 * @throws Error when no port is free
 */
export async function startProxy({ target }: ProxyOptions): Promise<Proxy> {
  for (let attempt = 0; ; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1));
    const proxy = new Proxy(target, port);
    try {
      await proxy.refuse(false);
      return proxy;
    } catch (error) {
      if (attempt === 100) throw error;
    }
  }
}

/** A line between clients and one server, and everything that can be wrong with it. */
export class Proxy {
  readonly host = '127.0.0.1';
  /** Bytes handed over to the sockets at either end, of all connections there ever were. */
  readonly bytes: Readonly<ByteCounts>;
  readonly events$: Observable<ProxyEvent>;
  /** Each connection when it has reached the server. */
  readonly connections$: Observable<ProxiedConnection>;

  readonly #bytes: ByteCounts = { toServer: 0, toClient: 0 };
  readonly #events$ = new Subject<ProxyEvent>();
  readonly #faults: Readonly<Record<Direction, DirectionFaults>> = { toServer: noFaults(), toClient: noFaults() };
  readonly #open = new Set<ProxiedConnection>();
  #total = 0;
  #listener: Server | null = null;
  #resetting = false;

  constructor(
    private readonly target: Target,
    readonly port: number,
  ) {
    this.bytes = this.#bytes;
    this.events$ = this.#events$.asObservable();
    this.connections$ = this.events$.pipe(
      filter((event) => event.type === 'opened'),
      map((event) => event.connection),
    );
  }

  url(scheme: 'redis' | 'rediss' = 'redis'): string {
    return `${scheme}://${this.host}:${this.port}`;
  }

  /** Connections that exist now, and that have ever been accepted. */
  get connections(): { readonly open: number; readonly total: number } {
    return { open: this.#open.size, total: this.#total };
  }

  /**
   * The next connection that reaches the server after this call.
   * @throws EmptyError when the proxy is stopped first
   */
  nextConnection(): Promise<ProxiedConnection> {
    return firstValueFrom(this.connections$);
  }

  /** Ends every connection there is; new ones are welcome. */
  cut(how: 'close' | 'reset' = 'close'): void {
    for (const connection of this.#open) connection.cut(how);
  }

  /** Ends every connection towards the server only: clients are not told, and hear nothing more. */
  halfOpen(): void {
    for (const connection of this.#open) connection.halfOpen();
  }

  /**
   * Refuses new connections, or welcomes them again; those there are go on.
   * @param how true closes the port (ECONNREFUSED), `reset` accepts and resets
   */
  async refuse(how: boolean | 'reset'): Promise<void> {
    this.#resetting = how === 'reset';
    if (how === true) this.#closePort();
    else if (this.#listener === null) await this.#openPort();
  }

  /** How many bytes of all connections are kept back just now. */
  held(direction: Direction): number {
    let held = 0;
    for (const connection of this.#open) held += connection.held(direction);
    return held;
  }

  /** Keeps bytes back (up to 4 MiB a connection, then senders are held up) and delivers them in order when released. */
  stall(direction: Direction, on: boolean): void {
    this.#change(direction, { stalled: on });
  }

  /** Reads nothing, writes nothing and notices no end, in both directions, until switched off: a dead line. */
  blackhole(on: boolean): void {
    this.#change('toServer', { blackholed: on });
    this.#change('toClient', { blackholed: on });
  }

  /** Holds every byte that arrives from now on for so many ms. A single number is for each direction. */
  delay(ms: number | Partial<Record<Direction, number>>): void {
    const { toServer = 0, toClient = 0 } = typeof ms === 'number' ? { toServer: ms, toClient: ms } : ms;
    this.#change('toServer', { delay: toServer });
    this.#change('toClient', { delay: toClient });
  }

  /**
   * Splits what is forwarded into writes of at most `size` bytes, or of random sizes; null splits no more.
   * @param seed the same seed gives the same sizes
   */
  chunk(size: number | 'random' | null, seed = 1): void {
    this.#change('toServer', { pieces: pieceSizes(size, seed) });
    this.#change('toClient', { pieces: pieceSizes(size, seed) });
  }

  /** Cuts every connection once, when `bytes` more have passed in a direction: the last of them arrives, no other. */
  cutAfter(direction: Direction, bytes: number): void {
    if (bytes > 0) this.#change(direction, { allowance: bytes });
    else this.#exhausted(direction);
  }

  /** Ends everything. Afterwards nothing of the proxy keeps the process alive. */
  async stop(): Promise<void> {
    this.#closePort();
    this.cut();
    if (this.#open.size > 0) await firstValueFrom(this.events$.pipe(filter(() => this.#open.size === 0)));
    this.#events$.complete();
  }

  async #openPort(): Promise<void> {
    const listener = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    this.#listener = listener;
    try {
      listener.listen({ host: this.host, port: this.port, exclusive: true });
      await once(listener, 'listening');
    } catch (error) {
      this.#listener = null;
      throw error;
    }
  }

  #closePort(): void {
    this.#listener?.close();
    this.#listener = null;
  }

  #accept(client: Socket): void {
    this.#total++;
    if (this.#resetting) {
      client.resetAndDestroy();
      return;
    }
    const connection: ProxiedConnection = new ProxiedConnection(this.#total, client, this.target, this.#faults, {
      opened: () => this.#events$.next({ type: 'opened', connection }),
      unreachable: (error) => this.#events$.next({ type: 'unreachable', connection, error }),
      closed: () => {
        this.#open.delete(connection);
        this.#events$.next({ type: 'closed', connection });
      },
      passed: (direction, bytes) => {
        this.#bytes[direction] += bytes;
      },
      exhausted: (direction) => this.#exhausted(direction),
    });
    this.#open.add(connection);
  }

  #exhausted(direction: Direction): void {
    this.#faults[direction].allowance = Infinity;
    this.cut();
    this.#events$.next({ type: 'cut-after', direction });
  }

  #change(direction: Direction, change: Partial<DirectionFaults>): void {
    Object.assign(this.#faults[direction], change);
    for (const connection of this.#open) connection.update();
  }
}

function pieceSizes(size: number | 'random' | null, seed: number): PieceSizes | null {
  if (size === null) return null;
  return size === 'random' ? randomPieces(seed) : equalPieces(size);
}
