import { LONGEST_TIMER, address, duration, is, text, wholeNumber } from '../option-checks';
import type { ResolvedOptions } from './redis-options';

/** ms; Node tells the system whole seconds, where none are the system's own default, and Linux takes no more than these. */
const LONGEST_KEEP_ALIVE = 32_767_000;

/** Bytes; a larger buffer is no faster on any machine. */
const LARGEST_BUFFER = 2 ** 30;

/** @throws TypeError that names the option and what was expected */
export function check(options: ResolvedOptions): void {
  address('host', options.host);
  address('path', options.path);
  text('clientName', options.clientName);
  // A server refuses other characters, on every connection anew.
  if (!/^[!-~]*$/.test(options.clientName ?? '')) {
    throw new TypeError("The option 'clientName' holds printable ASCII characters alone, no spaces");
  }
  is('boolean', 'autoPipeline', options.autoPipeline);
  is('boolean', 'noDelay', options.noDelay);
  is('boolean', 'warnUnused', options.warnUnused);
  is('boolean', 'callSites', options.callSites);
  is('boolean', 'asyncContext', options.asyncContext);
  if (![0, 4, 6].includes(options.family)) {
    throw new TypeError(`The option 'family' is 0, 4 or 6, got ${String(options.family)}`);
  }
  is('function', 'reconnectOnError', options.reconnectOnError);
  if (options.onUndelivered !== undefined) is('function', 'onUndelivered', options.onUndelivered);
  if (options.tls !== undefined && typeof options.tls !== 'boolean') is('object', 'tls', options.tls, ' or a boolean');
  wholeNumber('port', options.port, 1, 65_535);
  refuseOtherAddress(options);
  wholeNumber('database', options.database, 0);
  wholeNumber('pipelineDepth', options.pipelineDepth, 1);
  wholeNumber('verify', options.verify, 0);
  wholeNumber('offlineQueue', options.offlineQueue, 0, Infinity);
  wholeNumber('readBufferSize', options.readBufferSize, 1024, LARGEST_BUFFER);
  wholeNumber('writeBufferSize', options.writeBufferSize, 1024, LARGEST_BUFFER);
  if (options.keepAlive !== 0) wholeNumber('keepAlive', options.keepAlive, 1_000, LONGEST_KEEP_ALIVE, ', or 0');
  wholeNumber('connectTimeout', options.connectTimeout, 1, LONGEST_TIMER);
  if (typeof options.debug !== 'function') is('boolean', 'debug', options.debug, ' or a function');
  for (const name of ['commandTimeout', 'readTimeout', 'writeTimeout', 'blockingGrace'] as const) {
    duration(name, options[name]);
  }
  if (![2, 3, 'auto'].includes(options.protocol)) {
    throw new TypeError(`The option 'protocol' is 2, 3 or 'auto', got ${String(options.protocol)}`);
  }
}

/** Details for TLS that would lead to another address. */
const ADDRESS_IN_TLS = ['host', 'port', 'path', 'socket'] as const;

/** @throws TypeError where the details for TLS name another server than the options do */
function refuseOtherAddress(options: ResolvedOptions): void {
  const { tls } = options;
  if (typeof tls !== 'object') return;
  if (tls.servername?.includes('\0') === true) throw new TypeError("The option 'tls.servername' holds a NUL character");
  for (const name of ADDRESS_IN_TLS) {
    if (tls[name] === undefined) continue;
    if (name === 'socket')
      throw new TypeError("The option 'tls.socket' cannot be used: every link makes a socket of its own");
    const isSame =
      options.path === undefined
        ? name !== 'path' && tls[name] === options[name]
        : name === 'path' && tls.path === options.path;
    if (!isSame)
      throw new TypeError(`The option 'tls.${name}' contradicts the address of the server: use the option '${name}'`);
  }
}
