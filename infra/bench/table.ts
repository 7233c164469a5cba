import { clientNames, type ClientName } from './clients';
import type { Profile } from './jobs/job';
import { bestPeer, ratioTo, type RowResults } from './results';
import { median, spread } from './statistics';
import { judge, judgeMarks, type Verdict } from './targets';

/** The results for people: one block per row, one line per client. */
export function formatTable(all: readonly RowResults[]): string {
  return all.map(formatRow).join('\n');
}

function formatRow(results: RowResults): string {
  const { row, values, failures } = results;
  const names = clientNames.filter((name) => values.has(name) || failures.has(name));
  const head = `${row.title} (${row.unit}, ${row.better} is better)`;
  const columns = line('', ['median', 'spread', 'best peer', 'floor']);
  return [head, columns, ...names.map((name) => formatClient(results, name)), ''].join('\n');
}

function formatClient(results: RowResults, name: ClientName): string {
  const values = results.values.get(name);
  if (values === undefined) return `  ${name.padEnd(NAME_WIDTH)} failed: ${results.failures.get(name)}`;
  const best = bestPeer(results);
  const times = (other: ClientName | undefined): string => ratioTo(other, results, name)?.toFixed(2).concat('×') ?? '';
  return line(name, [
    formatNumber(median(values)),
    `${(spread(values) * 100).toFixed(0)} %`,
    name === best ? 'the best' : times(best),
    name === 'floor' ? '' : times('floor'),
  ]);
}

const NAME_WIDTH = 26;

function line(name: string, columns: readonly string[]): string {
  return `  ${name.padEnd(NAME_WIDTH)}${columns.map((column) => column.padStart(12)).join('')}`.trimEnd();
}

/** How much of the time went to each function, without what it called, most first. */
export function formatProfile(client: ClientName, { samples, functions }: Profile): string {
  const lines = functions
    .slice(0, PROFILED)
    .map(({ name, place, samples: own }) => `  ${((own * 100) / samples).toFixed(1).padStart(5)} %  ${name}  ${place}`);
  return [`${client}: own time of ${samples} samples`, ...lines, ''].join('\n');
}

const PROFILED = 40;

/** Three significant digits at least, thousands apart. */
function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** Which targets and marks are reached; empty when nothing that was measured has one. */
export function formatSummary(all: readonly RowResults[]): string {
  return [...formatVerdicts('Targets', judge(all)), ...formatVerdicts('Marks', judgeMarks(all))].join('\n');
}

function formatVerdicts(title: string, verdicts: readonly Verdict[]): readonly string[] {
  if (verdicts.length === 0) return [];
  const lines = verdicts.map(({ reached, text }) => `  ${reached ? 'reached    ' : 'NOT REACHED'}  ${text}`);
  return [title, ...lines, ''];
}
