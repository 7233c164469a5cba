import type { CommandFacts } from '../../../gen/facts';
import type { CommandSurface } from '../../../src/commands/generated/surface';

/** What the facts call the server that answers: `r7.0`, `v9.1`. */
export async function codeOf(redis: CommandSurface): Promise<string> {
  const { server = {} } = await redis.info('server');
  const [valkey, version = ''] = [server.valkey_version, server.valkey_version ?? server.redis_version];
  const release = version.split('.').slice(0, 2).join('.');
  return `${valkey === undefined ? 'r' : 'v'}${release}`;
}

/** Whether a server knows a command; one that the facts never saw is taken for the newest of its kind. */
export function isKnownTo(code: string, { seen }: Pick<CommandFacts, 'seen'>): boolean {
  const listed = ['r6.0', 'r7.0', 'r8.0', 'r8.6', 'v8.1', 'v9.1'];
  const nearest = listed.includes(code) ? code : code.startsWith('v') ? 'v9.1' : 'r8.6';
  return seen.split(' ').includes(nearest);
}
