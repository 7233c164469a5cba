import { hostname } from 'node:os';
import { ending } from './ending';
import { Faults } from './faults';
import { takeKept } from './kept';
import { layLine, type Line } from './line';
import type { Dashboard } from './model/dashboard';
import { openBrowser } from './open-browser';
import { parseOptions, usage, type DemoOptions } from './options';
import { startPage, type Page } from './page/start-page';
import { perform } from './perform';
import { openVenue, type Venue } from './venue';
import { chooseView } from './view/choose-view';
import { summary } from './view/summary';

/**
 * Runs the demo.
 * @returns the exit code
 * @throws UsageError when the command line is wrong
 * @throws Error when there is no server to use, or when it went away
 */
export async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  await using venue = await openVenue(options);
  await using line = await layLine(venue.place);
  const { exitCode, last, memento } = await run(options, venue, line);
  process.stdout.write(memento + summary(last, venue.space, await takeKept(venue)));
  return exitCode;
}

interface Outcome {
  readonly exitCode: number;
  readonly last: Dashboard;
  readonly memento: string;
}

async function run({ seconds, open, terminal }: DemoOptions, venue: Venue, line: Line): Promise<Outcome> {
  const title = `The vital signs of ${hostname()} through ${venue.description}`;
  await using faults = new Faults(line, venue.servers);
  const clients = { publisher: line.client('publisher'), viewer: line.client('viewer') };
  const { place, space, servers } = venue;
  const stage = { title, place, line, space, publisher: clients.publisher, faults, master$: servers?.master$ };
  await using page = terminal ? undefined : await startPage(stage);
  const goesOn = (): boolean => {
    if (!page?.isWatched()) return false;
    faults.tell('told', `${seconds} s are over; a window is open, so it goes on until Ctrl-C`);
    return true;
  };
  const exitCode = ending(seconds, goesOn);
  void exitCode.then(() => faults.end());
  if (page !== undefined) await announce(page, open);
  const view = chooseView({ title, seconds }, terminal);
  const last = await perform({ venue, clients, faults, view, seconds, ending: exitCode });
  return { exitCode: await exitCode, last, memento: view.memento(last) };
}

async function announce({ url }: Page, open: boolean): Promise<void> {
  process.stdout.write(`page: ${url} has more to see; while it is open, the demo goes on until Ctrl-C\n`);
  if (open) await openBrowser(url).catch((error: Error) => process.stderr.write(`demo: ${error.message}\n`));
}
