import { ReplyError } from 'rxjs-redis';
import { call, type Command } from 'rxjs-redis/commands';
import type { CommandModel } from '../../../../gen/model';
import * as builders from '../../../../src/commands';
import { knownCommand } from '../../../../src/commands/known-commands';
import type { Replay } from '../../../../src/commands/command';
import { keysOf } from '../../../../src/commands/prefix';
import { outcomeOf, plain, type Outcome } from '../outcomes';
import { RawSession } from '../raw-session';
import type { Call } from './calls';
import { fixtureOf } from './fixtures';
import type { Observer, ServerState } from './server-state';

const byName = builders as unknown as Record<string, (...args: unknown[]) => Command>;

/** From the least harm of a repetition to the most. */
const HARM: readonly Replay[] = ['read', 'same', 'state', 'no'];

/** Commands that change nothing, and tell of the connection that asks. */
const ABOUT_CONNECTION = new Set(['CLIENT GETNAME', 'CLIENT GETREDIR', 'CLIENT TRACKINGINFO']);

/** One run of a call: what it answered, and what server and connection were like then. */
export interface Run {
  readonly outcome: Outcome;
  readonly state: ServerState;
  readonly connection: unknown;
}

export interface Twice {
  /** the command as one would write it */
  readonly text: string;
  /** what the builder says that a repetition does */
  readonly built: Replay;
  /** what is said of it, by builder or `call`, at the most */
  readonly claim: Replay;
  readonly before: ServerState;
  readonly fresh: unknown;
  readonly first: Run;
  /** on a connection of its own, for the first one's is gone */
  readonly second: Run;
}

export interface Stage {
  readonly address: { readonly host: string; readonly port: number };
  readonly observer: Observer;
  readonly hasKeys: boolean;
  /** brings the server into the state that every call begins with */
  readonly clean: (session: RawSession) => Promise<unknown>;
  /** keeps the server from logging what only a slow machine would log */
  readonly quiet: (session: RawSession) => Promise<unknown>;
}

export interface RunOptions {
  /** puts something under the keys of a call that does not prepare for itself */
  readonly withFixtures?: boolean;
  /** runs also what is repeated by no means */
  readonly whateverClaimed?: boolean;
}

/**
 * Runs a call, loses its connection and runs it again.
 * @returns undefined for what the builder refuses, and for what is repeated by no means
 */
export async function runTwice(
  { address, observer, hasKeys, clean, quiet }: Stage,
  model: CommandModel,
  what: Call,
  { withFixtures = true, whateverClaimed = false }: RunOptions = {},
): Promise<Twice | undefined> {
  const session = await RawSession.open(address, { protocol: 3 });
  let other: RawSession | undefined;
  try {
    await clean(session);
    const command = await commandOf(model, what, session);
    if (command === undefined) return undefined;
    const claim = claimOf(command);
    if (claim === 'no' && !whateverClaimed) return undefined;
    if (typeof what !== 'function' && withFixtures) await prepare(session, model, command);
    await quiet(session);
    const isOfConnection = (command.spec.effect !== undefined) === true || ABOUT_CONNECTION.has(command.spec.name);
    const fresh = await connectionOf(session);
    const before = await observer.read(hasKeys);
    const first = await run(session, command, observer, hasKeys);
    session.close();
    other = await RawSession.open(address, { protocol: 3 });
    // What the client restores on every connection.
    if (isOfConnection && typeof what === 'function') await what(other);
    const second = await run(other, command, observer, hasKeys);
    return { text: textOf(command), built: command.spec.replay, claim, before, fresh, first, second };
  } finally {
    session.close();
    other?.close();
  }
}

async function commandOf(model: CommandModel, what: Call, session: RawSession): Promise<Command | undefined> {
  const args = typeof what === 'function' ? await what(session) : what;
  try {
    return byName[model.method]?.(...args);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function textOf({ spec, args }: Command): string {
  return [spec.name, ...args.map((arg) => plain(arg instanceof Uint8Array ? Buffer.from(arg) : arg))].join(' ');
}

/** What is said of a command, made by its builder or by name: the boldest of both has to be true. */
function claimOf({ spec, args }: Command): Replay {
  const called = knownCommand(spec.name, args)?.spec.replay ?? 'no';
  return HARM.indexOf(called) < HARM.indexOf(spec.replay) ? called : spec.replay;
}

async function prepare(session: RawSession, model: CommandModel, command: Command): Promise<void> {
  const keys = [...new Set(keysOf(command).map(String))];
  for (const [index, key] of keys.entries()) {
    for (const fixture of fixtureOf(model, key, index + 1)) await session.run(fixture);
  }
}

async function run(session: RawSession, command: Command, observer: Observer, hasKeys: boolean): Promise<Run> {
  const outcome = await outcomeOf(session, command);
  return { outcome, connection: await connectionOf(session), state: await observer.read(hasKeys) };
}

/** Fields of CLIENT INFO that tell one connection from another or change by being asked. */
const OWN =
  /^(id|addr|laddr|fd|age|idle|qbuf.*|argv-mem|multi-mem|rbs|rbp|obl|oll|omem|tot-.*|events|cmd|io-thread|watch|redir|avg-.*|read-events|rdbuf|.*-len|.*-mem)$/;

/** Whether invalidations go to another connection, not to which. */
function withoutTarget(tracking: unknown): unknown {
  if (typeof tracking !== 'object' || tracking === null) return tracking;
  return { ...tracking, redirect: Number((tracking as { redirect?: number }).redirect) > 0 };
}

async function connectionOf(session: RawSession): Promise<unknown> {
  const [line, tracking] = [await lineOf(session), await ask(session, 'CLIENT', 'TRACKINGINFO')];
  const fields = line.split(' ').filter((field) => !OWN.test(field.split('=')[0] as string));
  return { fields, tracking: withoutTarget(tracking) };
}

/** CLIENT INFO, which Redis 6.0 does not have. */
async function lineOf(session: RawSession): Promise<string> {
  const info = (await ask(session, 'CLIENT', 'INFO')) as string | undefined;
  if (info !== undefined) return info.trim();
  const id = (await ask(session, 'CLIENT', 'ID')) as number;
  const list = (await ask(session, 'CLIENT', 'LIST')) as string;
  return list.split('\n').find((line) => line.startsWith(`id=${id} `)) ?? '';
}

/** What a server answers, undefined where it refuses. */
async function ask(session: RawSession, name: string, ...args: string[]): Promise<unknown> {
  return Promise.resolve(session.run(call(name, ...args))).then(plain, (error: unknown) => {
    if (error instanceof ReplyError) return undefined;
    throw error;
  });
}
