import { describeHandles } from './footprint';
import type { SoakReport } from './soak';

/** What memory may have grown by when nothing was kept: the noise of a collected heap, in bytes. */
const NOISE = 6 << 20;

/** What the client did not keep its word in; nothing, if it did. */
export function violations(report: SoakReport): string[] {
  const { ledger, totals, messages, line, memory, handles, stillHears } = report;
  const found = [...ledger.wrong, ...messages.wrong];
  for (const [error, times] of ledger.tally.strange)
    found.push(`an error that no cut explains, ${times} times: ${error}`);
  totals.forEach(({ total, count: { certain, perhaps } }, at) => {
    if (total < certain || total > certain + perhaps) {
      found.push(`count:${at} is ${total}, neither ${certain} nor up to ${certain + perhaps}`);
    }
  });
  if (!stillHears) found.push('the subscription is lost');
  if (ledger.tally.answered === 0) found.push('nothing was answered');
  if (line.cuts === 0) found.push('the line was never cut');
  if (memory[1] - memory[0] > NOISE) found.push(`memory has grown by ${megabytes(memory[1] - memory[0])}`);
  const [before, after] = handles.map(describeHandles);
  if (before !== after) found.push(`handles were ${before} and are ${after}`);
  return found;
}

/** The figures, one to a line. */
export function formatReport(report: SoakReport): string {
  const { ledger, totals, messages, line, reconnects, seconds, memory, handles } = report;
  const { tally } = ledger;
  const sum = (pick: (one: SoakReport['totals'][number]) => number) => totals.reduce((all, one) => all + pick(one), 0);
  const rows: [string, string][] = [
    ['time', `${seconds.toFixed(1)} s`],
    ['commands', `${tally.all} (${Math.round(tally.all / seconds)} a second)`],
    ['answered', `${tally.answered}`],
    ['unknown', `${tally.unknown}`],
    ['unsent', `${tally.unsent}`],
    ['cuts', `${line.cuts} (${reconnects} attempts to reconnect, ${megabytes(line.bytes)} passed)`],
    [
      'INCR',
      `${sum(({ total }) => total)} run, ${sum(({ count }) => count.certain)} answered, ${sum(({ count }) => count.perhaps)} unknown`,
    ],
    ['messages', `${messages.heard} heard of ${messages.published}`],
    ['memory', `${megabytes(memory[0])} after the warm-up, ${megabytes(memory[1])} in the end`],
    ['handles', `${describeHandles(handles[0])} before, ${describeHandles(handles[1])} in the end`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(10)}${value}`).join('\n');
}

export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
