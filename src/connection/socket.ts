import * as net from 'node:net';
import * as tls from 'node:tls';
import { Observable, Subject } from 'rxjs';
import { ConnectionError, TimeoutError } from '../errors';
import { withoutUndefined } from '../options';
import type { Clock } from './clock';
import { ReadingTurn } from './reading-turn';

/** Where a server listens and how to reach it. Durations are milliseconds. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** a Unix socket; takes the place of host and port */
  readonly path?: string | undefined;
  readonly tls?: boolean | tls.ConnectionOptions | undefined;
  readonly connectTimeout: number;
  readonly keepAlive: number;
  readonly noDelay: boolean;
  /** bytes read at once */
  readonly readBufferSize: number;
}

/** An open byte stream to a server; the only thing that the rest of the client knows of sockets. */
export interface ByteSocket {
  /**
   * What the server sends. A chunk's memory is reused once its `next` has returned. Errors with a ConnectionError when the
   * stream ends, however it ends.
   */
  readonly bytes$: Observable<Uint8Array>;
  /** Emits when a full send buffer has emptied. */
  readonly drain$: Observable<void>;
  /** Sends chunks in order. False when the send buffer is full: further writes should wait for `drain$`. */
  write(chunks: readonly Uint8Array[]): boolean;
  /** Whether the system has taken all that was written, so that the memory of the chunks may be reused. */
  readonly drained: boolean;
  destroy(): void;
}

type CheckServerIdentity = NonNullable<tls.ConnectionOptions['checkServerIdentity']>;

/** Opens a byte stream: emits it once it is open, errors when it cannot be opened. Unsubscribing destroys it. */
export type Dial = (endpoint: Endpoint, clock: Clock) => Observable<ByteSocket>;

/**
 * Opens a TCP, TLS or Unix socket.
 * @throws ConnectionError when the server cannot be reached
 * @throws TimeoutError when it does not answer within `connectTimeout` ms
 */
export const openSocket: Dial = (endpoint, clock) =>
  new Observable((subscriber) => {
    const bytes$ = new Subject<Uint8Array>();
    const drain$ = new Subject<void>();
    const turn = new ReadingTurn(clock);
    const onread = {
      buffer: Buffer.allocUnsafeSlow(endpoint.readBufferSize),
      callback: (length: number, buffer: Uint8Array) => {
        bytes$.next(buffer.subarray(0, length));
        return length < endpoint.readBufferSize || turn.hasTimeLeft(() => socket.resume());
      },
    };
    let socket: net.Socket;
    try {
      socket = connect(endpoint, onread);
    } catch (cause) {
      // Certificates and keys that cannot be read throw here.
      subscriber.error(lost(endpoint, cause as Error));
      return;
    }
    const timer = clock.schedule(() => {
      subscriber.error(new TimeoutError(`${describe(endpoint)} did not accept within ${endpoint.connectTimeout} ms`));
    }, endpoint.connectTimeout);

    let open = false;
    let cause: Error | undefined;
    socket.setNoDelay(endpoint.noDelay);
    if (endpoint.keepAlive > 0) socket.setKeepAlive(true, endpoint.keepAlive);
    socket.once(endpoint.tls ? 'secureConnect' : 'connect', () => {
      timer.unsubscribe();
      open = true;
      subscriber.next({
        bytes$,
        drain$,
        write: (chunks) => write(socket, chunks),
        get drained() {
          return socket.writableLength === 0;
        },
        destroy: () => socket.destroy(),
      });
    });
    socket.on('drain', () => drain$.next());
    socket.on('error', (error) => (cause = error));
    socket.on('close', () => {
      timer.unsubscribe();
      const error = lost(endpoint, cause);
      if (open) bytes$.error(error);
      else subscriber.error(error);
    });
    return () => {
      timer.unsubscribe();
      socket.destroy();
    };
  });

function connect(endpoint: Endpoint, onread: net.OnReadOpts): net.Socket {
  const { host, port, path, connectTimeout } = endpoint;
  // Of a name with several addresses each has its part of the time; Node would leave an address after 250 ms. Whole, or it throws.
  const part = Math.ceil(connectTimeout / 8);
  const autoSelectFamilyAttemptTimeout = Math.max(net.getDefaultAutoSelectFamilyAttemptTimeout(), part);
  const where = path === undefined ? { host, port, autoSelectFamilyAttemptTimeout } : { path };
  if (!endpoint.tls) return net.connect({ ...where, onread });
  const details = endpoint.tls === true ? {} : withoutUndefined(endpoint.tls);
  const { checkServerIdentity } = details;
  if (checkServerIdentity !== undefined) details.checkServerIdentity = withoutThrowing(checkServerIdentity);
  // A name is announced to the server (SNI); an address must not be.
  const servername = path === undefined && net.isIP(host) === 0 ? { servername: host } : {};
  return tls.connect({ ...where, ...servername, ...details, onread } as unknown as tls.ConnectionOptions);
}

/** What the user's own check throws would end the process: it is a reason to refuse the server. */
function withoutThrowing(check: CheckServerIdentity): CheckServerIdentity {
  return (...identity) => {
    try {
      return check(...identity);
    } catch (thrown) {
      return thrown instanceof Error ? thrown : new Error('checkServerIdentity failed', { cause: thrown });
    }
  };
}

function write(socket: net.Socket, chunks: readonly Uint8Array[]): boolean {
  if (chunks.length === 1) return socket.write(chunks[0]!);
  socket.cork();
  for (const chunk of chunks) socket.write(chunk);
  socket.uncork();
  return !socket.writableNeedDrain;
}

/** `localhost:6379`, or the path of a Unix socket. */
export function describe({ host, port, path }: Pick<Endpoint, 'host' | 'port' | 'path'>): string {
  return path ?? (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
}

type Cause = NodeJS.ErrnoException & { readonly errors?: readonly Cause[] };

function lost(endpoint: Endpoint, cause: Error | undefined): ConnectionError {
  const why = cause === undefined ? ' closed the connection' : `: ${reasonOf(cause)}`;
  return new ConnectionError(describe(endpoint) + why, { cause });
}

/** A name with several addresses fails with an error of no text that holds one for each address. */
function reasonOf({ message, code, name, errors }: Cause): string {
  return message || (errors?.map(reasonOf).join(', ') ?? '') || (code ?? name);
}
