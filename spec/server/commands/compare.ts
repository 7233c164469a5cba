import { isUtf8 } from 'node:buffer';
import type { CommandModel } from '../../../gen/model';
import { REFUSED } from '../../../gen/refused';
import * as builders from '../../../src/commands';
import { Command } from '../../../src/commands/command';
import { keysOf } from '../../../src/commands/prefix';
import type { Frame } from '../../../src/resp/frames';
import { outcomeOf, shapeOf, type Outcome } from './outcomes';
import { broken } from './promised-types';
import { RawSession, type SessionOptions } from './raw-session';
import { fixturesFor, type Scenario } from './scenarios';

const byName = builders as unknown as Record<string, (...args: unknown[]) => Command>;

/** Replies that no two calls share. */
const VOLATILE =
  /^(ACL (GENPASS|LOG)|BGREWRITEAOF|BGSAVE|CLIENT (ID|INFO|LIST|TRACKINGINFO)|CLUSTER (BUMPEPOCH|INFO|LINKS|MYID|MYSHARDID|NODES|SHARDS|SLOTS|SLOT-STATS)|COMMANDLOG GET|EVAL|HELLO|HOTKEYS GET|HRANDFIELD|INFO|LASTSAVE|LATENCY|LOLWUT|MEMORY|OBJECT|SENTINEL|SLOWLOG GET|SRANDMEMBER|TIME|VINFO|VRANDMEMBER|X(ADD|PENDING|INFO)|ZRANDMEMBER)/;

/** Replies that have nothing in common but their type: what they tell of changes by being asked, or is left to chance. */
const UNLIKE = new Set(['LATENCY HISTOGRAM', 'SENTINEL INFO-CACHE', 'VLINKS']);

export interface Comparison {
  readonly address: { readonly host: string; readonly port: number };
  /** brings the server into the state that every call begins with */
  readonly clean: (session: RawSession) => Promise<unknown>;
}

/** A call: arguments, or steps that lead to them. */
export type Call = Scenario | readonly unknown[];

/** Runs calls with replies in every form, each on a clean server; at least one of them has to be answered as hoped. */
export async function expectSameAnswers(
  model: CommandModel,
  calls: readonly Call[],
  comparison: Comparison,
): Promise<void> {
  const { name } = model.facts;
  const refusal = REFUSED[name];
  let answered = false;
  for (const call of calls) {
    const outcome = await runOn({ protocol: 3 }, model, call, comparison);
    answered ||= 'value' in outcome || refusal?.says.test(outcome.refused) === true;
    if (VOLATILE.test(name) && refusal !== undefined) continue;
    const expected = comparable(name, outcome);
    const resp2 = await runOn({ protocol: 2 }, model, call, comparison);
    expect([call, comparable(name, resp2)]).toEqual([call, expected]);
    const bytes = await runOn({ protocol: 3, bytes: true }, model, call, comparison);
    expect([call, comparable(name, bytes)]).toEqual([call, expected]);
  }
  expect([name, answered]).toEqual([name, true]);
}

async function runOn(
  options: SessionOptions,
  model: CommandModel,
  call: Call,
  { address, clean }: Comparison,
): Promise<Outcome> {
  const session = await RawSession.open(address, options);
  try {
    await clean(session);
    const args = typeof call === 'function' ? await call(session) : call;
    const command = byName[model.method]?.(...args) as Command;
    if (typeof call !== 'function') {
      for (const fixture of fixturesFor(model, keysOf(command).map(String))) await session.run(fixture);
    }
    return await outcomeOf(session, options.bytes ? seenAsText(command) : seenAsPromised(command, model));
  } finally {
    session.close();
  }
}

/** The same command; its reply must be text, for what the calls store is, unless the facts call it binary. */
function seenAsText(command: Command): Command {
  const { spec, args, keys, read } = command;
  if (spec.binary === true) return command;
  return new Command(
    spec,
    args,
    (frame, context) => {
      expect([spec.name, isText(frame)]).toEqual([spec.name, true]);
      return read(frame, context);
    },
    keys,
  );
}

/** The same command; its reply must have the type that the method promises. */
function seenAsPromised({ spec, args, keys, read }: Command, model: CommandModel): Command {
  return new Command(
    spec,
    args,
    (frame, context) => {
      const value = read(frame, context);
      expect([spec.name, args, broken(model, value)]).toEqual([spec.name, args, []]);
      return value;
    },
    keys,
  );
}

function isText(frame: Frame): boolean {
  if (frame instanceof Uint8Array) return isUtf8(frame);
  if (frame instanceof Map) return [...frame].every((pair) => pair.every(isText));
  return !Array.isArray(frame) || frame.every(isText);
}

function comparable(name: string, outcome: Outcome): unknown {
  if (UNLIKE.has(name) && 'value' in outcome) return typeof outcome.value;
  return VOLATILE.test(name) && 'value' in outcome ? shapeOf(outcome.value) : outcome;
}
