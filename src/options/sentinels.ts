import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { of, type Observable } from 'rxjs';
import { is, text } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import { addressOf, natMapOf, nameOf, type NatMap, type ServerAddress, type Translate } from './addresses';

/** Which server of a service a client wants. */
export type ServerRole = 'master' | 'replica' | 'prefer-replica';

/** The options of a client that asks sentinels where its server is. */
export interface SentinelOptions {
  /**
   * the sentinels to ask where the server is, in place of `url` and `host`: one is enough to find the others. `'host:port'` or
   * `{ host, port }`; the port is 26379 where none is given
   */
  readonly sentinels?: readonly (string | { readonly host: string; readonly port?: number | undefined })[] | undefined;
  /** the name under which the sentinels know the master, such as `mymaster` */
  readonly service?: string | undefined;
  /**
   * which server is wanted: the `master`, which is the default; a `replica`, another for each connection; or a replica and, while none
   * is there, the master. Without `master`, commands that write are refused before they are sent
   */
  readonly role?: ServerRole | undefined;
  /** the user to sign in to the sentinels as; it needs `sentinelPassword` */
  readonly sentinelUsername?: string | undefined;
  /** the sentinels' own password. `password` is for the servers alone */
  readonly sentinelPassword?: string | undefined;
  /** TLS to the sentinels; by default as `tls` says for the servers */
  readonly sentinelTls?: boolean | TlsOptions | undefined;
  /**
   * where servers and sentinels are for this client, by the address that they tell of each other: `{ '10.0.0.7:6379': 'outside:16379' }`,
   * or a function; what is not in it stays as it is
   */
  readonly natMap?: NatMap | undefined;
}

/** The same, checked and with the defaults filled in. */
export interface ResolvedSentinels {
  readonly addresses: readonly ServerAddress[];
  readonly service: string;
  readonly role: ServerRole;
  /** A function, so that no secret lies in plain sight. */
  readonly credentials: (() => Observable<unknown>) | undefined;
  readonly tls: boolean | TlsOptions | undefined;
  readonly translate: Translate;
}

const PORT = 26_379;
const ROLES: readonly unknown[] = ['master', 'replica', 'prefer-replica'];

/** Options that mean nothing without sentinels. */
const BELONGING = ['service', 'role', 'sentinelUsername', 'sentinelPassword', 'sentinelTls', 'natMap'] as const;

/**
 * Checks the options about sentinels.
 * @param tls of the servers
 * @returns undefined where there are none
 * @throws TypeError that names the option and what was expected, and never shows a password
 */
export function sentinelsOf(
  given: SentinelOptions,
  tls: boolean | TlsOptions | undefined,
): ResolvedSentinels | undefined {
  const { sentinels, service, role = 'master', sentinelUsername, sentinelPassword, sentinelTls = tls, natMap } = given;
  if (sentinels === undefined) {
    const lonely = BELONGING.find((name) => given[name] !== undefined);
    if (lonely !== undefined) throw new TypeError(`The option '${lonely}' needs the option 'sentinels'`);
    return undefined;
  }
  if (!Array.isArray(sentinels)) {
    throw new TypeError(`The option 'sentinels' is an array of addresses, got ${kindOf(sentinels)}`);
  }
  if (sentinels.length === 0) throw new TypeError("The option 'sentinels' is empty, and one at least is to be asked");
  if (service === undefined) {
    throw new TypeError("The option 'sentinels' needs the option 'service': the name of the master, as 'mymaster'");
  }
  text('service', service);
  if (!/^[!-~]+$/.test(service)) {
    throw new TypeError("The option 'service' is a name of printable ASCII characters without spaces");
  }
  if (!ROLES.includes(role)) {
    const got = typeof role === 'string' ? `'${String(role)}'` : kindOf(role);
    throw new TypeError(`The option 'role' is 'master', 'replica' or 'prefer-replica', got ${got}`);
  }
  if (sentinelTls !== undefined && typeof sentinelTls !== 'boolean') {
    is('object', 'sentinelTls', sentinelTls, ' or a boolean');
  }
  return {
    addresses: withoutRepeated(sentinels.map((one, at) => addressOf(`sentinels[${at}]`, one, PORT))),
    service,
    role,
    credentials: credentialsFor(sentinelUsername, sentinelPassword),
    tls: sentinelTls,
    translate: natMapOf(natMap),
  };
}

function credentialsFor(
  username: string | undefined,
  password: string | undefined,
): (() => Observable<unknown>) | undefined {
  text('sentinelUsername', username);
  text('sentinelPassword', password);
  if (password !== undefined) return () => of({ username, password });
  if (username !== undefined) throw new TypeError("The option 'sentinelUsername' needs a 'sentinelPassword'");
  return undefined;
}

function withoutRepeated(addresses: readonly ServerAddress[]): ServerAddress[] {
  return [...new Map(addresses.map((address) => [nameOf(address), address])).values()];
}
