import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** how long the show is */
  readonly seconds: number;
  /** a server that is there already */
  readonly url?: string | undefined;
  /** a cluster in place of one server */
  readonly cluster: boolean;
  /** a master and replicas with sentinels in place of one server */
  readonly sentinel: boolean;
  /** a browser is opened at the page */
  readonly open: boolean;
  /** a table on the terminal in place of the page and of lines */
  readonly terminal: boolean;
}

export const usage = `npm run demo -- [options]

Publishes this machine's vital signs through Redis and shows them live, in lines and on a page of which it prints
the address; half-way its own connections are cut. The page has more to see, and buttons that break things.

  --seconds N   how long, 2 to 3600; default 20; while a window shows the page it goes on until Ctrl-C
  --open        opens the page in a browser
  --terminal    redraws a table on the terminal, and has no page
  --url URL     use the server at redis://[[user:]password@]host[:port][/database] instead of one of its own;
                the keys begin with vitals: and a random word, and are removed in the end
  --cluster     use a cluster of its own, three masters and three replicas
  --sentinel    use a master of its own with two replicas and three sentinels
  --help

NO_COLOR turns the colours of the table off; where there is no terminal --terminal prints lines.
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
  const { url, open, terminal, cluster, sentinel } = values;
  if ([url !== undefined, cluster, sentinel].filter(Boolean).length > 1) {
    throw new UsageError('--url, --cluster and --sentinel exclude each other');
  }
  if (open && terminal) throw new UsageError('--open opens the page, which --terminal leaves out');
  return { seconds, url, open, terminal, cluster, sentinel };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seconds: { type: 'string', default: '20' },
        url: { type: 'string' },
        open: { type: 'boolean', default: false },
        terminal: { type: 'boolean', default: false },
        cluster: { type: 'boolean', default: false },
        sentinel: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    // What follows the first sentence is advice for options that this program does not have.
    throw new UsageError((error as Error).message.split(/\. |\n/)[0], { cause: error });
  }
}
