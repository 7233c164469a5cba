import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What was done to a line, and what passed it all the same. */
export interface LineReport {
  readonly cuts: number;
  readonly bytes: number;
}

/** A line that is cut at random until it is told to be a good one. */
export interface BadLine {
  readonly url: string;
  /** No further cuts; the line stays. */
  mend(): Promise<LineReport>;
  stop(): Promise<void>;
}

/** Puts a line before a server, in a process of its own. */
export async function startBadLine(
  server: { readonly host: string; readonly port: number },
  cutEvery: number,
  seed: number,
): Promise<BadLine> {
  const line = fork(join(__dirname, 'line.ts'), [server.host, server.port, cutEvery, seed].map(String));
  const ended = once(line, 'exit');
  const says = async <T>(): Promise<T> => {
    const failed = ended.then(() => {
      throw new Error('The line ended without a word');
    });
    const [said] = (await Promise.race([once(line, 'message'), failed])) as [T];
    return said;
  };
  const { port } = await says<{ port: number }>();
  return {
    url: `redis://127.0.0.1:${port}`,
    mend: () => {
      const report = says<LineReport>();
      line.send('mend');
      return report;
    },
    stop: async () => {
      line.disconnect();
      await ended;
    },
  };
}
