import type { CommandSpec, KeyRange, ScriptFact } from './command';

/** The first argument is the one key. */
export const FIRST: readonly KeyRange[] = [{ from: 0, to: 0, step: 1 }];

/** The first two arguments are keys. */
export const FIRST_TWO: readonly KeyRange[] = [{ from: 0, to: 1, step: 1 }];

/** Every argument is a key. */
export const ALL: readonly KeyRange[] = [{ from: 0, to: -1, step: 1 }];

/** No argument is a key, or the call itself says which are. */
const NO_KEYS: readonly KeyRange[] = [];

/** Scripts, whose replies may tell of a failover; what makes the server forget them; DEBUG, which may end the server. */
const LOOKED_AT = /^(EVAL|FCALL|DEBUG$|SCRIPT FLUSH$|FUNCTION (DELETE|FLUSH|RESTORE)$)/;

type Facts = Partial<Omit<CommandSpec, 'name' | 'words' | 'head' | 'plain' | 'solitary' | 'since'>> & {
  /** one release where both servers have it since the same */
  readonly since?: string | CommandSpec['since'];
};

/** The facts of one command, absent ones filled in: all specs have the same shape, which keeps the hot paths monomorphic. */
export function defineSpec(name: string, facts: Facts): CommandSpec {
  const words = name.split(' ');
  return {
    name,
    access: facts.access ?? 'none',
    replay: facts.replay ?? 'no',
    keys: facts.keys ?? NO_KEYS,
    words: words.length,
    head: words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join(''),
    since: typeof facts.since === 'string' ? { redis: facts.since, valkey: facts.since } : (facts.since ?? {}),
    blocking: facts.blocking,
    effect: facts.effect,
    confirmation: facts.confirmation,
    solitary: facts.effect === 'user' || facts.effect === 'protocol',
    plain:
      facts.blocking === undefined &&
      facts.effect === undefined &&
      facts.confirmation === undefined &&
      facts.closes !== true &&
      !LOOKED_AT.test(name),
    foreign: facts.foreign ?? false,
    noTransaction: facts.noTransaction ?? false,
    closes: facts.closes ?? false,
    replica: facts.replica ?? false,
    admin: facts.admin ?? false,
    dangerous: facts.dangerous ?? false,
    request: facts.request,
    response: facts.response,
    scope: facts.scope,
    countAt: facts.countAt,
    wholeIf: facts.wholeIf ?? [],
    slotBy: facts.slotBy,
    anyKey: facts.anyKey ?? false,
    prefixed: facts.prefixed ?? [],
    secrets: facts.secrets,
    secretReply: facts.secretReply ?? [],
    binary: facts.binary ?? false,
    binaryWith: facts.binaryWith,
    cacheable: facts.cacheable,
    script: facts.script,
  };
}

/** The same command with the option that makes its reply binary. */
export function withBinary(spec: CommandSpec): CommandSpec {
  return { ...spec, binary: true };
}

/** The same command, which calls a script that the server must have, or gives it one. */
export function withScript(spec: CommandSpec, script: ScriptFact): CommandSpec {
  return { ...spec, plain: false, script };
}

/** The same command, which is not sent between MULTI and EXEC. */
export function outsideTransactions(spec: CommandSpec): CommandSpec {
  return { ...spec, plain: false, noTransaction: true };
}

/** The same command where its options change what a repetition does. */
export function withReplay(spec: CommandSpec, replay: CommandSpec['replay']): CommandSpec {
  return { ...spec, replay };
}
