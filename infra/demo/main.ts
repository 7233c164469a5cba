import { hostname } from 'node:os';
import { ending } from './ending';
import { takeKept } from './kept';
import { layLine } from './line';
import { parseOptions, usage } from './options';
import { perform } from './perform';
import { openVenue } from './venue';
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
  const { seconds, url } = options;
  await using venue = await openVenue(url);
  await using line = await layLine(venue.url);

  const exitCode = ending(seconds);
  const view = chooseView({ title: `The vital signs of ${hostname()} through ${venue.description}`, seconds });
  const last = await perform({ venue, line, view, seconds, ending: exitCode });
  process.stdout.write(view.memento(last) + summary(last, venue.space, await takeKept(venue)));
  return exitCode;
}
