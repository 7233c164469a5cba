// An override outlives its reason when the facts change: whatever matches nothing, or says what the rules say anyway, is an error.

import { BINARY, BINARY_WITH, secretsOf } from './spec-facts';
import { buildModels } from './build-model';
import { replaysOf } from './model';
import { loadDocs, REPLACEMENTS } from './docs';
import { EMPTY } from './empty';
import { SESSION, STREAMED } from './emit/surface';
import { callable, HIDDEN, loadFacts, type ArgumentFacts, type CallableFacts } from './facts';
import { OVERRIDES, type Override } from './overrides';
import { PREFIXED } from './prefixed';
import { REFUSED } from './refused';
import { replyOf } from './replies';

/** All complaints, or none. */
export function complaints(facts: readonly CallableFacts[] = callable(loadFacts())): string[] {
  const byName = new Map(facts.map((command) => [command.name, command]));
  const found: string[] = [];
  const lists: Readonly<Record<string, Iterable<string>>> = {
    overrides: Object.keys(OVERRIDES),
    prefixed: Object.keys(PREFIXED),
    replacements: Object.keys(REPLACEMENTS),
    session: SESSION,
    streamed: STREAMED,
    binary: BINARY,
    'binary with an option': Object.keys(BINARY_WITH),
    empty: Object.keys(EMPTY),
    refused: Object.keys(REFUSED),
    docs: loadDocs().keys(),
  };
  for (const [list, names] of Object.entries(lists)) {
    for (const name of names) if (!byName.has(name)) found.push(`${list}: ${name} is no command of the facts`);
  }
  const all = new Set(loadFacts().map(({ name }) => name));
  for (const name of HIDDEN) if (!all.has(name)) found.push(`hidden: ${name} is no command of the facts`);
  for (const [name, override] of Object.entries(OVERRIDES)) {
    const command = byName.get(name);
    if (command !== undefined) found.push(...idle(command, override).map((what) => `overrides: ${name}: ${what}`));
  }
  for (const command of facts) {
    secretsOf(command);
    const models = buildModels(command);
    const chosen = new Set(models.flatMap(replaysOf));
    for (const { when, retry } of command.rt.retryIf ?? [])
      if (!chosen.has(retry))
        found.push(`facts: ${command.name}: no builder knows that a repetition is ${retry} if ${when}`);
  }
  return found;
}

export function checkOverrides(): void {
  const found = complaints();
  if (found.length > 0) throw new Error(found.join('\n'));
}

/** What an override says without need. */
function idle(command: CallableFacts, override: Override): string[] {
  const found: string[] = [];
  if (Object.keys(override).length === 0) found.push('says nothing');
  const names = namesOf(command.args ?? []);
  for (const name of Object.keys({ ...override.values, ...override.names }))
    if (!names.has(name)) found.push(`no argument ${name}`);
  const { reply, special } = override;
  if (reply !== undefined) {
    const rule = command.replyCases === undefined ? replyOf(command.reply, command) : undefined;
    if (rule?.type === reply.type && rule.reader === reply.reader) found.push('its reply is what the rules give');
  }
  if (
    special !== undefined &&
    (reply !== undefined || override.replies !== undefined || override.options !== undefined)
  ) {
    found.push('a hand-written command needs no other override');
  }
  if (override.flat && !hasPairs(command.args ?? [])) found.push('has no pairs');
  return found;
}

function namesOf(args: readonly ArgumentFacts[]): Set<string> {
  return new Set(args.flatMap((argument) => [argument.name, ...namesOf(argument.args ?? [])]));
}

function hasPairs(args: readonly ArgumentFacts[]): boolean {
  return args.some(({ type, multiple, args: parts = [] }) => type === 'block' && multiple && parts.length === 2);
}
