import { parseArgs } from 'node:util';

/** What `npm run simulate` was asked for. */
export interface RunArguments {
  /** how many seeds: as many as there are where only the time is limited */
  readonly seeds: number;
  readonly from: number;
  /** no further seed is begun then; Infinity for no limit */
  readonly seconds: number;
  /** go on behind a seed that fails */
  readonly all: boolean;
}

/** Seeds are numbers of 32 bits: two that differ by that much would be the same. */
const SEEDS = 2 ** 32;
const DEFAULT_SEEDS = 20_000;

/**
 * Reads the arguments of the command line.
 * @throws TypeError whose message is one line for who has typed them
 */
export function readArguments(argv: readonly string[]): RunArguments {
  const values = parse(argv);
  const from = values.from === undefined ? 1 : wholeNumber('from', values.from, 0);
  const seconds = values.seconds === undefined ? Infinity : wholeNumber('seconds', values.seconds, 1);
  const standard = values.seconds === undefined ? DEFAULT_SEEDS : SEEDS - from;
  const seeds = values.seeds === undefined ? standard : wholeNumber('seeds', values.seeds, 1);
  if (seeds < 1 || from + seeds > SEEDS)
    throw new TypeError(`--from and --seeds: there are no seeds beyond ${SEEDS - 1}`);
  return { seeds, from, seconds, all: values.all ?? false };
}

function parse(argv: readonly string[]): { seeds?: string; from?: string; seconds?: string; all?: boolean } {
  try {
    const text = { type: 'string' } as const;
    const options = { seeds: text, from: text, seconds: text, all: { type: 'boolean' } } as const;
    return parseArgs({ args: [...argv], options }).values;
  } catch (error) {
    throw new TypeError((error as Error).message.split('\n')[0]);
  }
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || !Number.isSafeInteger(number))
    throw new TypeError(`--${name}: a whole number from ${least} was expected, got '${text}'`);
  return number;
}
