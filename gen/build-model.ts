// From the facts of one command and its override to what the emitters write.

import { Draft } from './draft';
import type { CallableFacts } from './facts';
import { fixedKeys } from './fixed-keys';
import { Unmapped } from './grammar';
import type { CommandModel, OptionModel, ReplyCase, Signature } from './model';
import { camelCase, constantCase, pascalCase } from './names';
import { optionsTypeOf } from './option-rows';
import { OVERRIDES, type Override, type Special } from './overrides';
import { replyOf } from './replies';
import {
  flattened,
  parseParameters,
  parseSignature,
  signaturesOf,
  widened,
  withInterfaces,
  type FlatPair,
} from './signatures';

const FILES: Readonly<Record<string, string>> = { module: 'vector-set' };

/** The models of one command: one, or two where an override adds a method. */
export function buildModels(facts: CallableFacts): CommandModel[] {
  const override = OVERRIDES[facts.name] ?? {};
  const model = buildModel(facts, override);
  if (override.also === undefined) return [model];
  const also = { ...model, ...specialModel(override.also), method: override.also.method, sharesSpec: true };
  return [model, also];
}

function buildModel(facts: CallableFacts, override: Override): CommandModel {
  const common = {
    facts,
    method: facts.method,
    constant: constantCase(facts.name),
    file: FILES[facts.group] ?? facts.group,
    keys: fixedKeys(facts),
  };
  if (override.special !== undefined) return { ...common, ...specialModel(override.special), replies: [] };
  const draft = new Draft(facts, override);
  draft.walk();
  const { rows, needs } = draft.options;
  const exclusive = exclusiveOf(facts, rows);
  const replies = conditionsOf(facts, override);
  const [first] = replies;
  const byPresence = first?.when?.startsWith('!') ? camelCase(first.when.slice(1)) : undefined;
  const optionsName = `${pascalCase(facts.method)}Options`;
  if (byPresence !== undefined && !draft.parameters.some(({ name, optional }) => name === byPresence && optional)) {
    throw new Unmapped(`reply by presence of ${byPresence}`);
  }
  for (const one of replies) {
    if (one.when === undefined || byPresence !== undefined) continue;
    for (const name of one.when.split(/[|&]/)) {
      if (!rows.some((option) => option.name === name)) throw new Unmapped(`reply by ${name}, which is no option`);
    }
  }
  const signatures = signaturesOf(draft.parameters, replies, byPresence, optionsName, rows);
  return {
    ...common,
    signatures: (draft.flat === undefined
      ? signatures
      : signatures.flatMap((one) => [one, flattened(one, draft.flat as FlatPair)])
    ).map(withInterfaces),
    implementation: draft.flat === undefined ? draft.parameters : widened(draft.parameters, draft.flat),
    steps: draft.steps,
    options: rows,
    optionsType: rows.length === 0 ? undefined : (override.options?.type ?? optionsTypeOf(rows, exclusive)),
    needs,
    exclusive,
    replies,
    byPresence,
    special: undefined,
    replayCases: replayCasesOf(facts, rows),
    replayWhen: override.replay,
    variants: [],
    sharesSpec: false,
  };
}

/** Lists of options of which one may be given, where that is not one choice of the grammar. */
function exclusiveOf(facts: CallableFacts, rows: readonly OptionModel[]): string[][] {
  const known = new Set(rows.map(({ name }) => name));
  const lists = (facts.constraints ?? []).map(({ exclusive }) => exclusive?.split('|') ?? []);
  return lists.filter((names) => names.length > 0 && names.every((name) => known.has(name)));
}

/** The replies by condition. */
function conditionsOf(facts: CallableFacts, override: Override): ReplyCase[] {
  if (override.reply !== undefined) return [{ when: undefined, reply: override.reply }];
  if (override.replies !== undefined) {
    return Object.entries(override.replies).map(([when, reply]) => ({
      when: when === 'else' ? undefined : when,
      reply,
    }));
  }
  const cases = facts.replyCases ?? [{ when: 'else', reply: facts.reply }];
  const models: ReplyCase[] = cases.map(({ when, reply }) => {
    const model = replyOf(reply, facts);
    if (model === undefined) throw new Unmapped(`reply ${reply}`);
    return { when: when === 'else' ? undefined : when, reply: model };
  });
  return models;
}

function replayCasesOf(facts: CallableFacts, options: readonly OptionModel[]): CommandModel['replayCases'] {
  const known = new Set(options.map(({ name }) => name));
  return (facts.rt.retryIf ?? []).flatMap(({ when, retry }) => {
    const absent = when.startsWith('!');
    const names = when.split(/[|&]/).map((name) => name.replace('!', ''));
    return names.every((name) => known.has(name)) ? [{ options: names, absent, replay: retry }] : [];
  });
}

function specialModel(
  special: Special,
): Omit<CommandModel, 'facts' | 'method' | 'constant' | 'file' | 'keys' | 'replies'> {
  const signatures = special.signatures.map(parseSignature).map(withInterfaces);
  const [only] = signatures;
  return {
    signatures,
    implementation:
      special.parameters === undefined ? (only as Signature).parameters : parseParameters(special.parameters),
    steps: [],
    options: [],
    optionsType: undefined,
    needs: {},
    exclusive: [],
    byPresence: undefined,
    special: special.builder,
    replayCases: [],
    replayWhen: undefined,
    variants: special.variants ?? [],
    sharesSpec: false,
  };
}
