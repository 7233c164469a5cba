import { ConnectionError, ProtocolError, ReplyError, type RedisError } from '../errors';
import type { ByteSocket } from './socket';

/** The first bytes of RESP: a type, and what may follow it. */
const RESP = /^([*$%~>|!=](-?\d+)?(\r.*)?$|[*$%~>|!=]-?$|[:(][-+\d]|[:(,_]$|,[-+\dein]|_\r|#([tf]|$)|[-+])/s;

/** The first bytes of POP3 and IMAP servers, which could be RESP. */
const MAIL = /^(\+OK |\* (OK|PREAUTH|BYE)\b)/;

/** So many of the first bytes show what a peer is. */
const ENOUGH = 64;

/** How the records of TLS begin: an alert or a part of a handshake, in some version 3. */
const TLS = ['\x15\x03', '\x16\x03'];

/** OpenSSL's codes for a peer that does not answer in TLS. */
const NO_TLS = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
  'EPROTO',
]);

/** Node's codes for a certificate that one of the two sides refuses. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|UNKNOWN_CA|ALERT/;

/** The names of Deno's errors where its process may not connect. Node's has the code ERR_ACCESS_DENIED. */
const DENIED = /^(NotCapable|PermissionDenied)$/;

const isTlsCode = /^(ERR_SSL_|ERR_OSSL_|ERR_TLS_)/;

/** Refusals of SELECT: by access rules, by a server with or without cluster mode, by a Sentinel, by proxies. */
const NO_SUCH_DATABASE =
  /^(NOPERM|ERR (DB index is out of range|invalid DB index|value is not an integer or out of range|unknown command|.*\bnot (allowed|supported)\b))/i;

/** The first bytes that a socket brings. They show what the peer is. */
export class FirstBytes {
  private text = '';
  private isOpen = false;

  watch({ bytes$ }: ByteSocket): void {
    this.isOpen = true;
    const first = bytes$.subscribe({
      next: (chunk) => {
        this.text += Buffer.from(chunk.subarray(0, ENOUGH - this.text.length)).toString('latin1');
        if (this.text.length === ENOUGH) first.unsubscribe();
      },
      error: () => undefined, // the link reports it
    });
  }

  /** The same error, or one that says what the peer is where it is not a Redis. */
  explain(error: RedisError, address: string, isTls: boolean): RedisError {
    const { text, isOpen } = this;
    if (isOpen && !isTls && text === '' && codeOf(error) === 'ECONNRESET') return withHint(error);
    if (text !== '' && (!RESP.test(text) || MAIL.test(text) || isBinaryStatus(text)))
      return noRedis(error, `${address} ${saysOf(text)}`);
    if (error instanceof ConnectionError && NO_TLS.has(codeOf(error) ?? ''))
      return noRedis(error, `${address} does not speak TLS: is it the port without TLS, or no Redis?`);
    return error;
  }
}

/** Statuses and errors of servers are text: they hold no control characters but tabs and the ends of lines. */
function isBinaryStatus(text: string): boolean {
  if (text[0] !== '+' && text[0] !== '-') return false;
  return [...text].some((character) => character < ' ' && !'\t\r\n'.includes(character));
}

function saysOf(text: string): string {
  if (text.startsWith('HTTP/')) return 'is no Redis: it speaks HTTP';
  return TLS.includes(text.slice(0, 2))
    ? "speaks TLS: use rediss:// or the option 'tls'"
    : 'is no Redis: it does not speak RESP';
}

/** Servers with TLS reset a connection that begins in plain text, which may as well have other reasons. */
function withHint({ message, delivery, repeatable, command, cause }: RedisError): ConnectionError {
  const hint = `${message}, before a single byte came: if it speaks TLS, use rediss:// or the option 'tls'`;
  return new ConnectionError(hint, { delivery, repeatable, command, cause });
}

function noRedis(error: RedisError, message: string): ProtocolError {
  const { delivery, command } = error;
  return new NoRedis(`${message} (${error.message})`, { delivery, command, repeatable: false, cause: error });
}

/** The peer is not a Redis, or not with these options. */
class NoRedis extends ProtocolError {}

/**
 * Whether every further attempt at a connection would fail in the same way, so that commands need not wait for one.
 * @param before the reason of the attempt before
 */
export function isIncurable(error: RedisError, before: RedisError | undefined): boolean {
  if (error instanceof ReplyError) return error.command === 'SELECT' && NO_SUCH_DATABASE.test(error.message);
  // What answers HELLO with nonsense does so again.
  if (error instanceof NoRedis || (error instanceof ProtocolError && error.command === 'HELLO')) return true;
  if (!(error instanceof ConnectionError)) return false;
  const code = codeOf(error) ?? '';
  // A resolver may fail once, above all where everything has only just started.
  if (code === 'EINVAL') return (error.cause as NodeJS.ErrnoException).syscall === 'getaddrinfo';
  if (code === 'ENOTFOUND') return before instanceof ConnectionError && codeOf(before) === code;
  if (code === 'ERR_ACCESS_DENIED' || (error.cause instanceof Error && DENIED.test(error.cause.name))) return true;
  return CERTIFICATE.test(code) || isTlsCode.test(code);
}

function codeOf({ cause }: RedisError): string | undefined {
  const code: unknown = (cause as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
