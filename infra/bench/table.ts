import { clientNames, type ClientName } from './clients';
import { bestPeer, ratioTo, type RowResults } from './results';
import { median, spread } from './statistics';
import { judge } from './targets';

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

/** Three significant digits at least, thousands apart. */
function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** Which targets are reached; empty when nothing that was measured has one. */
export function formatSummary(all: readonly RowResults[]): string {
  const verdicts = judge(all);
  if (verdicts.length === 0) return '';
  const lines = verdicts.map(({ reached, text }) => `  ${reached ? 'reached    ' : 'NOT REACHED'}  ${text}`);
  return ['Targets', ...lines, ''].join('\n');
}
