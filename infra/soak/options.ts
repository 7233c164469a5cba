import { parseArgs } from 'node:util';

export interface SoakOptions {
  /** how long commands are sent */
  readonly seconds: number;
  /** how many commands are under way at any moment */
  readonly inFlight: number;
  /** milliseconds between two cuts of the line, on average */
  readonly cutEvery: number;
  /** of all random choices */
  readonly seed: number;
}

export const usage = `npm run soak -- [options]

Sends mixed commands at full speed through a line that is cut at random, and holds the client to its word: what was answered
has run once, what may have run has run at most once, every read is right, and in the end memory and handles are as before.

  --seconds N     how long; default 600
  --in-flight N   how many commands are under way at any moment; default 200
  --cut-every N   milliseconds between two cuts, on average; default 1000
  --seed N        of all random choices; default: another one each time
  --help

Exit code: 0 when the client kept its word, 1 when not, 2 for a wrong option.
`;

/** The command line is not as it should be. */
export class UsageError extends Error {}

/**
 * Reads the command line.
 * @throws UsageError that says what is wrong
 */
export function parseOptions(args: readonly string[]): SoakOptions | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  return {
    seconds: positive('seconds', values.seconds),
    inFlight: Math.ceil(positive('in-flight', values['in-flight'])),
    cutEvery: positive('cut-every', values['cut-every']),
    seed: Math.ceil(positive('seed', values.seed ?? String(1 + Math.floor(Math.random() * 2 ** 31)))),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seconds: { type: 'string', default: '600' },
        'in-flight': { type: 'string', default: '200' },
        'cut-every': { type: 'string', default: '1000' },
        seed: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) throw new UsageError(`--${option} takes a number above 0, got ${text}`);
  return value;
}
