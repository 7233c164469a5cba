// The comments of methods and builders.

import { deprecationOf, errorsOf, loadDocs, pageOf, sinceText, syntaxOf, type CommandDocs } from '../docs';
import type { CommandModel } from '../model';
import { comment } from './text';

const DOCS = loadDocs();

/** Own sentences for methods that share a command with another one. */
const SHARED: Readonly<Record<string, string>> = {
  zaddIncr: 'Adds to the score of one member and answers the new score; null when the conditions were not met.',
};

export function docsOf({ facts, method }: CommandModel): CommandDocs {
  const docs = DOCS.get(facts.name);
  if (docs === undefined) throw new Error(`docs.tsv has nothing about ${facts.name}`);
  return { ...docs, summary: SHARED[method] ?? docs.summary };
}

/** The short comment of a builder; the method carries the long one. */
export function builderDoc(model: CommandModel): string {
  const deprecated = deprecationOf(model.facts);
  return comment([docsOf(model).summary, ...(deprecated ? [`@deprecated ${deprecated}`] : [])]);
}

/** Where a client sends what waits at the server. */
function waitOf({ rt }: CommandModel['facts']): string[] {
  if (rt.block === undefined) return [];
  if (rt.access === 'none')
    return ['', 'On a client it waits on the connection of the writes before it, and later commands wait with it.'];
  const when = rt.block.timeout === 'BLOCK' ? 'With BLOCK it' : 'It';
  return [
    '',
    `${when} waits on a connection of its own. Unsubscribing ends the wait, and loses nothing that came all the same: see \`onUndelivered\`.`,
  ];
}

/** The comment of a method; the overloads after the first repeat only what tells them apart from others in a list. */
export function methodDoc(model: CommandModel, overload: number): string {
  const { facts } = model;
  const { summary, complexity } = docsOf(model);
  const errors = errorsOf(facts, docsOf(model));
  const deprecated = deprecationOf(facts);
  const tags = [...(deprecated ? [`@deprecated ${deprecated}`] : []), `@see ${pageOf(facts)}`];
  if (overload > 0) return comment([summary, ...tags], '  ');
  return comment(
    [
      summary,
      '',
      `\`${syntaxOf(facts)}\``,
      '',
      `${complexity}, ${sinceText(facts)}.`,
      ...waitOf(facts),
      ...errors.map((error) => `@throws ReplyError ${error}`),
      ...tags,
    ],
    '  ',
  );
}
