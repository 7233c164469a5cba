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

/** How much of the time or of the heap went to each function, without what it called, most first. */
export function formatProfile(client: ClientName, { unit, total, functions }: Profile): string {
  const isTime = unit === 'samples';
  const share = (own: number): string => (isTime ? `${((own * 100) / total).toFixed(1)} %` : `${own.toFixed(0)} B`);
  const lines = functions
    .slice(0, PROFILED)
    .map(({ name, place, own }) => `  ${share(own).padStart(7)}  ${name}  ${place}`);
  return [`${client}: own ${isTime ? 'time' : 'heap'} of ${Math.round(total)} ${unit}`, ...lines, ''].join('\n');
}

const PROFILED = 40;

/** Three significant digits at least, thousands apart. */
function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** What was measured of the processor's time, and which targets and marks are reached; empty when nothing of that was measured. */
export function formatSummary(all: readonly RowResults[]): string {
  return [
    ...formatHeadline(all),
    ...formatVerdicts('Targets', judge(all)),
    ...formatVerdicts('Marks', judgeMarks(all)),
  ].join('\n');
}

/** The processor's time is what other work on the machine changes least. */
function formatHeadline(all: readonly RowResults[]): readonly string[] {
  const rows = all.filter(({ row, values }) => row.metric === 'cpu' && values.size > 0);
  if (rows.length === 0) return [];
  return ["Processor's time in µs", ...rows.map(formatCosts), ''];
}

const HEADLINE: readonly ClientName[] = [
  'ours, await',
  'ours, subscribe',
  'ours, firstValueFrom',
  'Bun, its own client',
  'floor',
];

function formatCosts(results: RowResults): string {
  const { row, values } = results;
  const best = bestPeer(results);
  const names = HEADLINE.toSpliced(3, 0, ...(best === undefined ? [] : [best]));
  const costs = names.flatMap((name) => {
    const cost = values.get(name);
    return cost === undefined ? [] : [`${name} ${formatNumber(median(cost))}`];
  });
  return `  ${row.title.replace(/^Processor time per [^,]+, /, '')}: ${costs.join(' · ')}`;
}

function formatVerdicts(title: string, verdicts: readonly Verdict[]): readonly string[] {
  if (verdicts.length === 0) return [];
  const lines = verdicts.map(({ reached, text }) => `  ${reached ? 'reached    ' : 'NOT REACHED'}  ${text}`);
  return [title, ...lines, ''];
}
