import { ConnectionError, ProtocolError, ReplyError, type RedisError } from '../errors';
import type { ByteSocket } from './socket';

/** How RESP begins: the types of both versions. */
const RESP = new Set('+-:$*_,#!=(%~>|'.split(''));

/** How the records of TLS begin: an alert or a part of a handshake, in some version 3. */
const TLS = ['\x15\x03', '\x16\x03'];

/** What OpenSSL says of a peer that answers in no TLS. */
const NO_TLS = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
  'EPROTO',
]);

/** What Node says of a certificate that it refuses, or that is refused. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|UNKNOWN_CA|ALERT/;

const isTlsCode = /^(ERR_SSL_|ERR_OSSL_|ERR_TLS_)/;

/** What SELECT is answered; without cluster mode or with it, by a Sentinel, by a user without the right, by proxies. */
const NO_SUCH_DATABASE =
  /^(NOPERM|ERR (DB index is out of range|invalid DB index|value is not an integer or out of range|unknown command|.*\bnot (allowed|supported)\b))/i;

/** What a socket brings first, which shows what its other end is. */
export class FirstBytes {
  private text = '';
  private isOpen = false;

  watch({ bytes$ }: ByteSocket): void {
    this.isOpen = true;
    const first = bytes$.subscribe({
      next: (chunk) => {
        this.text ||= Buffer.from(chunk.subarray(0, 8)).toString('latin1');
        first.unsubscribe();
      },
      error: () => undefined, // is told by the link
    });
  }

  /** The same error, or one that says what the other end is where that is no Redis. */
  explain(error: RedisError, address: string, isTls: boolean): RedisError {
    const { text, isOpen } = this;
    if (isOpen && !isTls && text === '' && codeOf(error) === 'ECONNRESET') return withHint(error);
    if (error instanceof ProtocolError && text !== '' && !RESP.has(text[0]!))
      return noRedis(error, `${address} ${saysOf(text)}`);
    if (error instanceof ConnectionError && NO_TLS.has(codeOf(error) ?? ''))
      return noRedis(error, `${address} does not speak TLS: is it the port without TLS, or no Redis?`);
    return error;
  }
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

/** The other end is no Redis, or not in this way. */
class NoRedis extends ProtocolError {
  constructor(...args: ConstructorParameters<typeof ProtocolError>) {
    super(...args);
    this.name = 'ProtocolError';
  }
}

/**
 * Whether no repetition cures the reason why a connection could not be made, so that what waits for it need not wait.
 * @param before the reason of the attempt before
 */
export function isIncurable(error: RedisError, before: RedisError | undefined): boolean {
  if (error instanceof ReplyError) return error.command === 'SELECT' && NO_SUCH_DATABASE.test(error.message);
  if (error instanceof NoRedis) return true;
  if (!(error instanceof ConnectionError)) return false;
  const code = codeOf(error) ?? '';
  // A resolver may fail once, above all where everything has only just started.
  if (code === 'ENOTFOUND') return before instanceof ConnectionError && codeOf(before) === code;
  return CERTIFICATE.test(code) || isTlsCode.test(code);
}

function codeOf({ cause }: RedisError): string | undefined {
  const code: unknown = (cause as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
