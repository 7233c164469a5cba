import { ReplyError } from '../src/errors';
import { Redis } from '../src/redis';
import type { ServerTable } from './compare-server';

/** Asks a server for COMMAND and, where it has them, COMMAND DOCS. */
export async function askServer(url: string): Promise<ServerTable> {
  const redis = new Redis(url);
  try {
    const { server = {} } = await redis.info('server');
    const commands = await redis.command();
    return { kind: server.valkey_version === undefined ? 'redis' : 'valkey', commands, docs: await docsOf(redis) };
  } finally {
    await redis.close();
  }
}

/** Redis 6 has no COMMAND DOCS, and names no subcommands. */
async function docsOf(redis: Redis): Promise<ServerTable['docs']> {
  try {
    return await redis.commandDocs();
  } catch (error) {
    if (error instanceof ReplyError) return {};
    throw error;
  }
}
