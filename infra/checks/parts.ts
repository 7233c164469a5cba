import { spawn } from 'node:child_process';

/** One thing that must hold: a command that fails when it does not. */
export interface Part {
  readonly name: string;
  /** as one would type it */
  readonly command: string;
}

export interface Outcome {
  readonly part: Part;
  readonly passed: boolean;
  readonly seconds: number;
  /** what the command wrote; nothing when it wrote to the terminal itself */
  readonly output: string;
}

/**
 * Runs parts side by side, at most `lanes` at a time, the first ones first.
 * @param tell hears of each as soon as it is done
 */
export async function runParts(
  parts: readonly Part[],
  lanes: number,
  tell: (outcome: Outcome) => void,
): Promise<readonly Outcome[]> {
  const waiting = [...parts];
  const outcomes: Outcome[] = [];
  const lane = async (): Promise<void> => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const outcome = await runPart(part, 'pipe');
      outcomes.push(outcome);
      tell(outcome);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return outcomes;
}

/** @param out `inherit` shows what the command writes while it writes it */
export function runPart(part: Part, out: 'pipe' | 'inherit'): Promise<Outcome> {
  const start = performance.now();
  const child = spawn(part.command, { shell: true, stdio: ['ignore', out, out] });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => output.push(text));
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ part, passed: code === 0, seconds: (performance.now() - start) / 1000, output: output.join('') }),
    );
  });
}
