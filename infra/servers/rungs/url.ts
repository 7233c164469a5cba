import { type Address, ask } from '../ask';
import type { Rung, ServerAtUrl } from '../rung';

/** How long the server of REDIS_URL may take to answer, in ms. */
const ANSWER_TIMEOUT = 10_000;

/** The server that REDIS_URL names: somebody else's, used as it is. */
export const urlRung: Rung<ServerAtUrl> = {
  name: 'url',
  async find() {
    const text = process.env.REDIS_URL;
    if (!text) throw new Error('REDIS_URL is not set');
    const url = parse(text);
    const address: Address = {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 6379),
      tls: url.protocol === 'rediss:',
    };
    const version = await askVersion(url, address);
    return {
      kind: 'running',
      from: 'url',
      version,
      description: `server ${version} at ${address.host}:${address.port} from REDIS_URL`,
      url: text,
      host: address.host,
      port: address.port,
    };
  },
};

function parse(text: string): URL {
  // The value may hold a password: no message repeats it.
  if (!URL.canParse(text)) throw new Error('REDIS_URL is not a URL');
  const url = new URL(text);
  if (!['redis:', 'rediss:'].includes(url.protocol)) throw new Error(`REDIS_URL says ${url.protocol}//, not redis://`);
  return url;
}

/** The version INFO tells, or `unknown` where the user may not ask. */
async function askVersion(url: URL, address: Address): Promise<string> {
  const password = decodeURIComponent(url.password);
  const user = decodeURIComponent(url.username);
  const signIn = password === '' ? [] : [['AUTH', ...(user === '' ? [] : [user]), password]];
  try {
    const replies = await ask(address, [...signIn, ['INFO', 'server']], ANSWER_TIMEOUT);
    const info = replies.at(-1) ?? '';
    // Valkey tells both: its own, and that of the Redis it pretends to be.
    return field(info, 'valkey_version') ?? field(info, 'redis_version') ?? 'unknown';
  } catch (error) {
    throw new Error(`${address.host}:${address.port}: ${(error as Error).message}`, { cause: error });
  }
}

function field(info: string, name: string): string | undefined {
  return info.match(new RegExp(`^${name}:(\\S+)`, 'm'))?.[1];
}
