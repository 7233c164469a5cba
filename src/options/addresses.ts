import { address as text, isPlainObject, wholeNumber } from '../option-checks';
import { ConnectionError } from '../errors';
import { kindOf } from '../resp/kind-of';

/** Where a server is: a name or an address of the network, and a port. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Where servers are for this client, which say of each other another address: behind a translation of addresses, as of containers. A
 * record of `host:port` to an address, or a function; what is not in it stays as it is.
 */
export type NatMap =
  Readonly<Record<string, ServerAddress | string>> | ((address: ServerAddress) => ServerAddress | string | undefined);

/** What a server says of an address, made to what it is for this client. */
export type Translate = (address: ServerAddress) => ServerAddress;

/**
 * An address as options give it: `{ host, port }`, `'host:port'` or `'host'`; an address of IPv6 with a port stands in brackets.
 * @param name of the option
 * @param port the one that counts where none is given; undefined where one has to be
 * @throws TypeError that names the option and what was expected
 */
export function addressOf(name: string, given: unknown, port: number | undefined): ServerAddress {
  const parts = typeof given === 'string' ? apart(given) : given;
  if (parts === undefined || !isPlainObject(parts)) {
    const got = typeof given !== 'string' ? kindOf(given) : given.includes('://') ? 'a URL' : 'another text';
    throw new TypeError(`The option '${name}' is { host, port } or 'host:port', got ${got}`);
  }
  const { host, port: own = port, ...others } = parts as Partial<ServerAddress>;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw new TypeError(`The option '${name}' is { host, port }, and has no '${unknown}'`);
  if (typeof host !== 'string') throw new TypeError(`The option '${name}.host' is a string, got ${kindOf(host)}`);
  text(`${name}.host`, host);
  wholeNumber(`${name}.port`, own, 1, 65_535);
  return { host, port: own as number };
}

/** Takes a text apart; undefined where it is no address. */
function apart(given: string): { readonly host: string; readonly port?: number } | undefined {
  const bracketed = /^\[([^[\]]*)\](?::(\d{1,5}))?$/.exec(given);
  // More than one colon without brackets is an address of IPv6 without a port.
  const bare =
    /^([^:[\]\s/@]+)(?::(\d{1,5}))?$/.exec(given) ?? /^([0-9a-f.:%\w]*:[0-9a-f.:%\w]*:[0-9a-f.:%\w]*)$/i.exec(given);
  const [, host, port] = bracketed ?? bare ?? [];
  if (host === undefined) return undefined;
  return port === undefined ? { host } : { host, port: Number(port) };
}

/**
 * Reads the option `natMap`.
 * @throws TypeError that names the option and what was expected
 */
export function natMapOf(given: unknown): Translate {
  if (given === undefined) return (address) => address;
  if (typeof given === 'function') {
    const translate = given as (address: ServerAddress) => unknown;
    return (address) => {
      let told: unknown;
      try {
        told = translate(address);
        return told === undefined || told === null ? address : addressOf('natMap', told, address.port);
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : 'it threw';
        const why = told === undefined ? `The option 'natMap' failed: ${message}` : message;
        throw new ConnectionError(why, { cause, repeatable: false });
      }
    };
  }
  if (!isPlainObject(given)) {
    throw new TypeError(`The option 'natMap' is an object or a function, got ${kindOf(given)}`);
  }
  const map = new Map<string, ServerAddress>();
  for (const [from, to] of Object.entries(given as object)) {
    const { host, port } = keyOf(from);
    map.set(nameOf({ host, port }), addressOf(`natMap['${from}']`, to, port));
  }
  return (address) => map.get(nameOf(address)) ?? address;
}

/** A key of `natMap`; here an address of IPv6 may stand without brackets as well, as servers write it. */
function keyOf(from: string): ServerAddress {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(from) ?? [];
  if (host === undefined) throw new TypeError(`The option 'natMap' has keys of the form 'host:port', got '${from}'`);
  return addressOf(`natMap`, { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }, undefined);
}

/** `host:port`, by which addresses are compared; host names know no case. */
export function nameOf({ host, port }: ServerAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`.toLowerCase();
}
