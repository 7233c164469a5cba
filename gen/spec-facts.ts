// The runtime facts of a command, as the literal that `defineSpec` takes.

import { cacheableOf } from './cacheable';
import { isOfOneServer, policiesOf } from './cluster-facts';
import { EFFECTS } from './effects';
import type { CallableFacts, RuntimeFacts } from './facts';
import type { CommandModel } from './model';
import { PREFIXED } from './prefixed';
import { list } from './emit/text';

const ACCESS: Readonly<Record<RuntimeFacts['access'], string>> = {
  read: 'read',
  write: 'write',
  none: 'none',
  script: 'write',
};

/** Which arguments are secret, in terms of positions; by command, because the facts name them in four different ways. */
const SECRETS: Readonly<Record<string, string>> = {
  AUTH: '{ from: 0 }',
  HELLO: '{ after: { AUTH: 2 } }',
  MIGRATE: '{ after: { AUTH: 1, AUTH2: 2 } }',
  'MODULE LOAD': '{ from: 1 }',
  'MODULE LOADEX': '{ after: { CONFIG: 2, ARGS: Infinity } }',
};

/** Options whose values are secret besides what the facts list: names of users are half of a credential. */
const MORE_SECRET_OPTIONS: Readonly<Record<string, readonly string[]>> = { 'CONFIG SET': ['user'] };

export function secretsOf({ name, rt }: CallableFacts): string | undefined {
  const { sensitive } = rt;
  if (sensitive === undefined) return undefined;
  if (sensitive.rulePrefix !== undefined) return `{ startingWith: '${sensitive.rulePrefix}' }`;
  // Every object has a method of that name.
  if (Array.isArray(sensitive.valueOf)) {
    const names = [...sensitive.valueOf, ...(MORE_SECRET_OPTIONS[name] ?? [])];
    return list(
      '{ valuesOf: [',
      names.map((one) => `'${one}'`),
      '] }',
      '  ',
      '  secrets: ',
    );
  }
  const known = SECRETS[name];
  if (known === undefined) throw new Error(`${name}: say in SECRETS where the secret arguments stand`);
  return known;
}

function blockingOf({ name, rt }: CallableFacts): string | undefined {
  if (rt.block === undefined) return undefined;
  const { timeout, unit } = rt.block;
  const words = name.split(' ').length;
  const at = timeout === 'last' ? '-1' : timeout === 'BLOCK' ? `'BLOCK'` : String(timeout - words);
  return `{ timeout: ${at}, unit: '${unit}' }`;
}

/** One release says it for both where they have the same number: Valkey goes on where Redis was. */
function sinceOf({ redis, valkey }: CallableFacts['servers']): string {
  if (redis !== undefined && redis === valkey) return `'${redis}'`;
  const releases = Object.entries({ redis, valkey }).filter(([, release]) => release !== undefined);
  return `{ ${releases.map(([server, release]) => `${server}: '${release}'`).join(', ')} }`;
}

/** The fields of a spec in a fixed order, those that say nothing left out. */
export function specFields({ facts, keys }: CommandModel): string[] {
  const { rt, servers, name } = facts;
  const policies = policiesOf(name, rt);
  const fields: (string | false | undefined)[] = [
    ACCESS[rt.access] !== 'none' && `access: '${ACCESS[rt.access]}'`,
    rt.retry !== 'no' && `replay: '${rt.retry}'`,
    keys !== undefined && keys !== 'NO_KEYS' && `keys: ${keys}`,
    `since: ${sinceOf(servers)}`,
    field('blocking', blockingOf(facts)),
    field('effect', effectOf(facts)),
    rt.mode?.endsWith('subscribe') && `confirmation: '${name.toLowerCase()}'`,
    rt.noTx && 'noTransaction: true',
    rt.closes && 'closes: true',
    rt.replica && 'replica: true',
    rt.admin && 'admin: true',
    rt.dangerous && 'dangerous: true',
    policies.req && `request: '${policies.req}'`,
    policies.res && `response: '${policies.res}'`,
    isOfOneServer(name) && `scope: 'server'`,
    rt.noSplitIf &&
      `wholeIf: [${rt.noSplitIf
        .split('|')
        .map((option) => `'${option}'`)
        .join(', ')}]`,
    policies.req === 'multi_shard' && rt.numkeysAt !== undefined && `countAt: ${rt.numkeysAt - 1}`,
    rt.slotBy !== undefined && `slotBy: ${rt.slotBy - name.split(' ').length}`,
    name === 'RANDOMKEY' && 'anyKey: true',
    field('prefixed', PREFIXED[name]),
    field('secrets', secretsOf(facts)),
    rt.sensitiveReply && `secretReply: [${rt.sensitiveReply.map((one) => `'${one}'`).join(', ')}]`,
    BINARY.has(name) && 'binary: true',
    BINARY_WITH[name] && `binaryWith: '${BINARY_WITH[name]}'`,
    quoted('cacheable', cacheableOf(facts)),
  ];
  return fields.filter((one): one is string => typeof one === 'string' && one !== '');
}

function effectOf({ name, rt }: CallableFacts): string | undefined {
  const effect = EFFECTS[name];
  if ((effect !== undefined) !== (rt.conn === true)) {
    throw new Error(`${name}: say in EFFECTS what it does to its connection, or in the facts that it does nothing`);
  }
  return effect && `'${effect}'`;
}

function field(name: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `${name}: ${value}`;
}

function quoted(name: string, value: string | undefined): string | undefined {
  return field(name, value && `'${value}'`);
}

/** Commands whose reply is no text in any encoding. */
export const BINARY = new Set(['DUMP', 'FUNCTION DUMP']);

/** Options that make a reply, or a part of it, something that is no text in any encoding. */
export const BINARY_WITH: Readonly<Record<string, string>> = { VEMB: 'RAW' };
