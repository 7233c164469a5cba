import { format, inspect } from 'node:util';

/** All that a log, a debugger or a crash report may show of a value. */
export function shown(value: unknown): string {
  const errors = value instanceof Error ? [value.message, value.stack, ...causes(value)] : [];
  const views = [
    inspect(value),
    inspect(value, { depth: null, showHidden: true, getters: true }),
    format('%s %o %O %j', value, value, value, value),
    json(value),
    String(value),
  ];
  return [...errors, ...views].join('\n');
}

function causes({ cause }: Error): unknown[] {
  return cause instanceof Error ? [cause.message, cause.stack, ...causes(cause)] : [cause];
}

/** What is circular cannot be shown. */
function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}
