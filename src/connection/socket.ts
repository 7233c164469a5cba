import * as net from 'node:net';
import * as tls from 'node:tls';
import { Observable, Subject, type Subscriber } from 'rxjs';
import { ConnectionError, TimeoutError } from '../errors';
import { withoutUndefined } from '../options';
import { outside } from './async-context';
import { patient, type Clock } from './clock';
import { noTls } from './dialing';
import { ReadingTurn } from './reading-turn';

/** Where a server listens and how to reach it. Durations are milliseconds. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** a Unix socket; takes the place of host and port */
  readonly path?: string | undefined;
  /** the addresses of the host that are tried; 0 for both families */
  readonly family: 0 | 4 | 6;
  readonly tls?: boolean | tls.ConnectionOptions | undefined;
  readonly connectTimeout: number;
  readonly keepAlive: number;
  readonly noDelay: boolean;
  /** bytes read at once */
  readonly readBufferSize: number;
}

/** The other end of a connection. */
export interface Peer {
  readonly address: string;
  readonly port: number;
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
  /**
   * Sends chunks in order. False when the send buffer is full: further writes should wait for `drain$`. `'refused'` when nothing of the
   * chunks has left the process nor ever will, because the socket has ended; its end is told soon.
   */
  write(chunks: readonly Uint8Array[]): boolean | 'refused';
  /** Whether the system has taken all that was written, so that the memory of the chunks may be reused. */
  readonly drained: boolean;
  /** What is at the other end; undefined where that is not known, and for a Unix socket. */
  readonly remote?: Peer | undefined;
  /** Whether it keeps the process alive, as it does at first. */
  keepsAlive(keeps: boolean): void;
  /** @param reset nothing of what was written may arrive any more, as far as a reset of TCP can see to it */
  destroy(reset?: boolean): void;
}

type CheckServerIdentity = NonNullable<tls.ConnectionOptions['checkServerIdentity']>;

/**
 * Opens a byte stream: emits it once it is open, errors when it cannot be opened. Unsubscribing destroys it. `onAccepted` is told when
 * the server has accepted and the handshake of TLS begins.
 */
export type Dial = (endpoint: Endpoint, clock: Clock, onAccepted?: () => void) => Observable<ByteSocket>;

/**
 * Opens a TCP, TLS or Unix socket.
 * @throws ConnectionError when the server cannot be reached
 * @throws TimeoutError when it does not accept, and answer the handshake of TLS, within `connectTimeout` ms
 */
export const openSocket: Dial = (endpoint, clock, onAccepted) =>
  new Observable((subscriber) => outside(() => open(endpoint, clock, subscriber, onAccepted)));

//  wire ──connect──▶ socket: TLS over the wire, or the wire itself ──secureConnect──▶ open ──end, error──▶ lost
function open(
  endpoint: Endpoint,
  clock: Clock,
  subscriber: Subscriber<ByteSocket>,
  onAccepted?: () => void,
): () => void {
  const bytes$ = new Subject<Uint8Array>();
  const drain$ = new Subject<void>();
  const turn = new ReadingTurn(clock);
  const wire = connect(endpoint, (bytes) => {
    bytes$.next(bytes);
    return bytes.length < endpoint.readBufferSize || turn.hasTimeLeft(() => wire.resume());
  });
  const keepsAlive = (keeps: boolean): void => clock.references?.set(wire, keeps);
  keepsAlive(true);
  wire.once('close', () => clock.references?.delete(wire));
  let socket = wire;
  let isAccepted = false;
  let isOpen = false;
  let cause: Error | undefined;

  const timer = patient(clock).schedule(() => {
    const { connectTimeout } = endpoint;
    const address = describe(endpoint);
    const why = isAccepted ? noTls(address, connectTimeout) : `${address} did not accept within ${connectTimeout} ms`;
    subscriber.error(new TimeoutError(why));
  }, endpoint.connectTimeout);
  const note = (error: Error): void => void (cause ??= error);
  const end = (): void => {
    timer.unsubscribe();
    const error = lost(endpoint, cause);
    if (isOpen) bytes$.error(error);
    else subscriber.error(error);
  };
  const carry = (): void => {
    timer.unsubscribe();
    isOpen = true;
    keepsAlive(true); // over another handle, where it was not the first address that accepted
    subscriber.next({
      bytes$,
      drain$,
      remote: peerOf(wire),
      write: (chunks) => write(socket, chunks),
      get drained() {
        return socket.writableLength === 0;
      },
      keepsAlive,
      destroy: (reset) => {
        // A socket that the peer has ended takes nothing more, and a Unix socket has nothing on its way.
        if (reset && endpoint.path === undefined && !socket.readableEnded) wire.resetAndDestroy();
        socket.destroy();
      },
    });
  };
  const watch = (): void => {
    socket.on('drain', () => drain$.next());
    socket.on('error', note);
    // Node refuses what is written from here on, and closes the socket some turns of the event loop later.
    socket.on('end', end);
    socket.on('close', end);
  };

  wire.setNoDelay(endpoint.noDelay);
  if (endpoint.keepAlive > 0) wire.setKeepAlive(true, endpoint.keepAlive);
  if (!endpoint.tls) {
    watch();
    wire.once('connect', carry);
  } else {
    wire.on('error', note);
    wire.once('close', end);
    wire.once('connect', () => {
      isAccepted = true;
      onAccepted?.();
      try {
        socket = secure(endpoint, wire);
      } catch (thrown) {
        // Certificates and keys that cannot be read.
        note(thrown as Error);
        wire.destroy();
        return;
      }
      wire.off('close', end); // the socket tells of it, with its reason
      watch();
      socket.on('data', (chunk) => bytes$.next(chunk)); // over a wire that is there Node takes no `onread`
      socket.once('secureConnect', carry);
    });
  }
  return () => {
    timer.unsubscribe();
    socket.destroy();
  };
}

/**
 * The wire: what carries bytes as they are. Details of TLS may say how it is to be made, too.
 * @param onBytes returns whether more is to be read in this turn of the event loop
 */
function connect(endpoint: Endpoint, onBytes: (bytes: Uint8Array) => boolean): net.Socket {
  const { host, port, path, family, connectTimeout } = endpoint;
  // Each address of a name gets a part of the time; Node would leave it after 250 ms. Node takes whole numbers alone.
  const part = Math.ceil(connectTimeout / 8);
  const autoSelectFamilyAttemptTimeout = Math.max(net.getDefaultAutoSelectFamilyAttemptTimeout(), part);
  const where = path === undefined ? { host, port, family, autoSelectFamilyAttemptTimeout } : { path };
  if (endpoint.tls) return net.connect({ ...where, ...detailsOf(endpoint) } as net.NetConnectOpts);
  const callback = (length: number, buffer: Uint8Array): boolean => onBytes(buffer.subarray(0, length));
  let memory = Buffer.allocUnsafeSlow(endpoint.readBufferSize);
  // Cloudflare's runtime takes the memory away with each chunk: its length is 0 then.
  const buffer = (): Buffer =>
    memory.length > 0 ? memory : (memory = Buffer.allocUnsafeSlow(endpoint.readBufferSize));
  return net.connect({ ...where, onread: { buffer, callback } });
}

/** TLS over a wire that is there: one that is made by `tls.connect` itself cannot be reset. */
function secure(endpoint: Endpoint, wire: net.Socket): tls.TLSSocket {
  const { host, path } = endpoint;
  const details = detailsOf(endpoint);
  const { checkServerIdentity } = details;
  if (checkServerIdentity !== undefined) details.checkServerIdentity = withoutThrowing(checkServerIdentity);
  // A name is announced to the server (SNI); an address must not be.
  const servername = path === undefined && net.isIP(host) === 0 ? { servername: host } : {};
  const named = path === undefined ? { host } : {};
  return tls.connect({ ...named, ...servername, ...details, socket: wire });
}

function detailsOf({ tls: details }: Endpoint): tls.ConnectionOptions {
  return typeof details === 'object' ? withoutUndefined(details) : {};
}

/** An error that the user's own check throws would end the process. It becomes a reason to refuse the server. */
function withoutThrowing(check: CheckServerIdentity): CheckServerIdentity {
  return (...identity) => {
    try {
      return check(...identity);
    } catch (thrown) {
      return thrown instanceof Error ? thrown : new Error('checkServerIdentity failed', { cause: thrown });
    }
  };
}

// Hot: once per write.
function write(socket: net.Socket, chunks: readonly Uint8Array[]): boolean | 'refused' {
  if (!socket.writable) return 'refused';
  if (chunks.length === 1) socket.write(chunks[0]!);
  else {
    socket.cork();
    for (const chunk of chunks) socket.write(chunk);
    socket.uncork();
  }
  // Bytes that the system has taken at once need no 'drain'. Node's would come with a tick, which a test may have faked.
  const accepted = socket.errored === null && (!socket.writableNeedDrain || socket.writableLength === 0);
  // An error that is there at once is that of the first attempt to hand the chunks to the system, which took none of them.
  return accepted || socket.errored === null || socket instanceof tls.TLSSocket ? accepted : 'refused';
}

function peerOf({ remoteAddress: address, remotePort: port }: net.Socket): Peer | undefined {
  return address === undefined || port === undefined ? undefined : { address, port };
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

/** A name with several addresses fails with an error without text. It has an error for each address. */
function reasonOf({ message, code, name, errors }: Cause): string {
  return message || (errors?.map(reasonOf).join(', ') ?? '') || (code ?? name);
}
