import { setTimeout as delay } from 'node:timers/promises';
import { ask } from './ask';
import type { ServerProcess } from './server-process';

/** A server that has not answered after this many ms is given up. */
const STARTUP_TIMEOUT = 30_000;
const RETRY_DELAY = 10;
const ANSWER_TIMEOUT = 2_000;

/**
 * Waits until a started server answers PING. "You must sign in first" is an answer; "I am loading" is not.
 * @throws Error with the server's own output when it exits first or stays silent
 */
export async function untilReady(process: ServerProcess, port: number): Promise<void> {
  const race = new AbortController();
  const exit = process.exited.then((how) => {
    throw new Error(`the server ended with ${how}${quoted(process.output())}`);
  });
  try {
    await Promise.race([pingUntilAnswered(port, race.signal, process), exit]);
  } finally {
    race.abort();
  }
}

async function pingUntilAnswered(port: number, abandoned: AbortSignal, process: ServerProcess): Promise<void> {
  const deadline = Date.now() + STARTUP_TIMEOUT;
  let last = 'nothing';
  while (!abandoned.aborted) {
    last = await ask({ host: '127.0.0.1', port }, [['PING']], ANSWER_TIMEOUT).then(
      ([reply]) => reply ?? '',
      (error: Error) => `-LOADING ${error.message}`,
    );
    if (!last.startsWith('-LOADING')) return;
    if (Date.now() > deadline) {
      throw new Error(`the server did not answer on port ${port} (${last.slice(9)})${quoted(process.output())}`);
    }
    await delay(RETRY_DELAY);
  }
}

function quoted(output: string): string {
  return output.trim() === '' ? ', without a word' : `:\n${output.trim()}`;
}
