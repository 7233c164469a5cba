import { setTimeout as delay } from 'node:timers/promises';
import { ask } from './ask';
import type { ServerProcess } from './server-process';

/** A server that has not answered after so many ms is given up. */
const STARTUP_TIMEOUT = 120_000;
const RETRY_DELAY = 10;
const ANSWER_TIMEOUT = 10_000;

/**
 * Waits until a started server answers PING. "Sign in first" is an answer; "I am loading" is not yet one.
 * @throws Error with the server's own output when it exits first or stays silent
 */
export async function untilReady(server: ServerProcess, port: number): Promise<void> {
  const settled = new AbortController();
  const exited = server.exited.then((how) => {
    throw new Error(`the server ended with ${how}${quoted(server.output())}`);
  });
  try {
    await Promise.race([exited, pingUntilAnswered(server, port, settled.signal)]);
  } finally {
    settled.abort();
  }
}

async function pingUntilAnswered(server: ServerProcess, port: number, settled: AbortSignal): Promise<void> {
  const deadline = Date.now() + STARTUP_TIMEOUT;
  while (!settled.aborted) {
    const obstacle = await ping(port);
    if (obstacle === null) return;
    if (Date.now() > deadline) {
      throw new Error(`no PONG on port ${port} after ${STARTUP_TIMEOUT} ms: ${obstacle}${quoted(server.output())}`);
    }
    await delay(RETRY_DELAY);
  }
}

/** @returns null when the server answered, else what it did instead */
async function ping(port: number): Promise<string | null> {
  try {
    const [reply = ''] = await ask({ host: '127.0.0.1', port }, [['PING']], ANSWER_TIMEOUT);
    return reply.startsWith('-LOADING') ? reply : null;
  } catch (error) {
    return (error as Error).message;
  }
}

function quoted(output: string): string {
  return output.trim() === '' ? ', without a word' : `:\n${output.trim()}`;
}
