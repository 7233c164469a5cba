// The overloads that an editor shows.

import { union } from './grammar';
import type { OptionModel, Parameter, ReplyCase, Signature } from './model';

/** All overloads of a command: without a parameter and with it, and for each combination of options that changes the reply. */
export function signaturesOf(
  parameters: Parameter[],
  replies: readonly ReplyCase[],
  byPresence: string | undefined,
  optionsType: string,
  options: readonly OptionModel[],
): Signature[] {
  if (replies.length === 1) return [{ parameters, reply: (replies[0] as ReplyCase).reply.type }];
  if (byPresence !== undefined) {
    const [without, withIt] = replies as [ReplyCase, ReplyCase];
    return [
      { parameters: parameters.filter(({ name }) => name !== byPresence), reply: without.reply.type },
      {
        parameters: parameters.map((parameter) =>
          parameter.name === byPresence ? { name: parameter.name, type: parameter.type } : parameter,
        ),
        reply: withIt.reply.type,
      },
      { parameters, reply: unionOf([without.reply.type, withIt.reply.type]) },
    ];
  }
  const named = replies.filter((one) => one.when !== undefined);
  const fallback = replies.find((one) => one.when === undefined);
  const signatures: Signature[] = [];
  const withOptions = (type: string, optional: boolean): Parameter[] =>
    parameters.map((parameter) =>
      parameter.name === 'options' ? { name: 'options', type, ...(optional ? { optional } : {}) } : parameter,
    );
  const member = (name: string, perhaps: boolean): string => {
    const { type, writer } = options.find((option) => option.name === name) as OptionModel;
    if (writer === 'flag') return `${name}: ${perhaps ? 'boolean | undefined' : 'true'}`;
    return `${name}: ${type}${perhaps ? ' | undefined' : ''}`;
  };
  const excluded: string[] = [];
  const given: Signature[] = [];
  for (const { when, reply } of named) {
    const names = (when as string).split(/[|&]/);
    const all = (when as string).includes('&');
    // Where the reply may be that of the case without the option as well, the option may be left open: `NX: boolean`.
    const perhaps =
      fallback !== undefined && membersOf(fallback.reply.type).every((type) => membersOf(reply.type).includes(type));
    const present = all
      ? `{ ${names.map((name) => member(name, false)).join('; ')} }`
      : names.map((name) => `{ ${member(name, perhaps)} }`).join(' | ');
    const absent = excluded.filter((name) => !names.includes(name));
    const none = absent.length > 0 ? ` & Without<${union(absent)}>` : '';
    given.push({
      parameters: withOptions(`${optionsType} & ${names.length > 1 && !all ? `(${present})` : present}${none}`, false),
      reply: reply.type,
    });
    excluded.push(...names.filter((name) => !excluded.includes(name)));
  }
  if (fallback !== undefined) {
    signatures.push({
      parameters: withOptions(`${optionsType} & Without<${union(excluded)}>`, true),
      reply: fallback.reply.type,
    });
  }
  signatures.push(...given);
  const types = [...(fallback ? [fallback] : []), ...named].map(({ reply }) => reply.type);
  signatures.push({ parameters: withOptions(optionsType, true), reply: unionOf(types) });
  return signatures;
}

/** A union without repetitions, `null` at its end. */
function unionOf(types: readonly string[]): string {
  const members = new Set(types.flatMap(membersOf));
  const sorted = [...members].filter((member) => member !== 'null');
  return [...sorted, ...(members.has('null') ? ['null'] : [])].join(' | ');
}

function membersOf(type: string): string[] {
  return type.split(/ \| (?![^[{(]*[\]})])/);
}

/** Pairs that may also be given as one name and one value. */
export interface FlatPair {
  pairs: string;
  names: readonly [string, string];
  types: readonly [string, string];
}

/** `hset(key, data)` → `hset(key, field, value)`. */
export function flattened({ parameters, reply }: Signature, { pairs, names, types }: FlatPair): Signature {
  const flat = parameters.flatMap((parameter) =>
    parameter.name === pairs
      ? [
          { name: names[0], type: types[0] },
          { name: names[1], type: types[1] },
        ]
      : [parameter],
  );
  return { parameters: flat, reply };
}

/** Parameters that take both forms. */
export function widened(parameters: readonly Parameter[], { pairs, names, types }: FlatPair): Parameter[] {
  return parameters.flatMap((parameter) =>
    parameter.name === pairs
      ? [
          { name: pairs, type: `Pairs | ${types[0]}` },
          { name: names[1], type: types[1], optional: true },
        ]
      : [parameter],
  );
}

/** `(key: Key, count?: number): S[]` → parameters and reply; `<T>` may stand in front. */
export function parseSignature(text: string): Signature {
  const [head = '', generics] = /^<(.*?)>(?=\()/.exec(text) ?? [];
  const list = text.slice(head.length);
  const close = closingParenthesis(list);
  const reply = list.slice(close + 1).replace(/^:\s*/, '');
  return { generics, parameters: parseParameters(list.slice(1, close)), reply };
}

/** The same signature with an interface where pairs are wanted: it has no index signature, so its own properties are looked at. */
export function withInterfaces(signature: Signature): Signature {
  if (!signature.parameters.some(({ type }) => type === 'Pairs')) return signature;
  const parameters = signature.parameters.map((parameter) =>
    parameter.type === 'Pairs' ? { ...parameter, type: 'Pairs | PairsOf<T>' } : parameter,
  );
  return { ...signature, generics: 'T extends object', parameters };
}

function closingParenthesis(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return i;
  }
  throw new Error(`no parameters in ${text}`);
}

export function parseParameters(text: string): Parameter[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    if ('([{<'.includes(char)) depth++;
    else if (')]}'.includes(char) || (char === '>' && text[i - 1] !== '=')) depth--;
    if (char === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += char;
  }
  if (part.trim() !== '') parts.push(part);
  return parts.map((one) => {
    const match = /^(\.\.\.)?(\w+)(\?)?: ([^]*)$/.exec(one.trim());
    if (match === null) throw new Error(`not a parameter: ${one}`);
    const [, rest, name = '', optional, type = ''] = match;
    return { name, type, ...(rest ? { rest: true } : {}), ...(optional ? { optional: true } : {}) };
  });
}
