import type { RunningServer } from '../../../infra/servers';
import { codeOf } from './known-to';
import { RawSession } from './raw-session';

/** A bare connection, and what the facts call its server. */
interface Opened {
  readonly redis: RawSession;
  readonly code: string;
}

/**
 * Opens a session before the specs of a block and closes it after them. Every spec begins on an empty server.
 * @returns an accessor for use inside specs and hooks
 */
export function useSession(server: () => RunningServer, protocol: 2 | 3): () => Opened {
  let opened: Opened;
  beforeAll(async () => {
    const redis: RawSession = await RawSession.open(server(), { protocol });
    opened = { redis, code: await codeOf(redis) };
  });
  afterAll(() => opened.redis.close());
  beforeEach(async () => {
    await opened.redis.flushall();
  });
  return () => opened;
}
