import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** how long the show is */
  readonly seconds: number;
  /** a server that is there already */
  readonly url?: string | undefined;
}

export const usage = `npm run demo -- [options]

Publishes this machine's vital signs through Redis and shows them live; half-way its own connections are cut.

  --seconds N   how long, 2 to 3600; default 20
  --url URL     use the server at redis://[[user:]password@]host[:port][/database] instead of one of its own;
                the keys begin with vitals: and a random word, and are removed in the end
  --help

Redraws a table on a terminal and prints lines elsewhere. NO_COLOR turns colours off.
Exit code: 0; 1 when there is no server to use; 2 for a wrong option; 130 after Ctrl-C, 143 after SIGTERM.
`;

/** The command line is not as it should be. */
export class UsageError extends Error {}

/**
 * Reads the command line.
 * @throws UsageError that says what is wrong; it repeats no value, which may hold a password
 */
export function parseOptions(args: readonly string[]): DemoOptions | 'help' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  if (positionals.length > 0) throw new UsageError('There are only options: --url names a server');
  const seconds = Number(values.seconds);
  if (!(seconds >= 2 && seconds <= 3600)) throw new UsageError('--seconds takes a number from 2 to 3600');
  return { seconds, url: values.url };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seconds: { type: 'string', default: '20' },
        url: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    // What follows the first sentence is advice for options that this program does not have.
    throw new UsageError((error as Error).message.split(/\. |\n/)[0], { cause: error });
  }
}
