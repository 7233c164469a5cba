import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { models } from '../../../gen/generate';
import type { CommandModel } from '../../../gen/model';
import { samplesOf } from '../../../gen/samples';
import * as builders from '../../../src/commands';
import type { Command } from '../../../src/commands/command';
import { keysOf } from '../../../src/commands/prefix';
import { useServer } from '../../support/server';
import { codeOf, isKnownTo } from './known-to';
import { outcomeOf, shapeOf, type Outcome } from './outcomes';
import { RawSession, type SessionOptions } from './raw-session';
import { fixturesFor, SCENARIOS, type Scenario } from './scenarios';

const byName = builders as unknown as Record<string, (...args: unknown[]) => Command>;

/** Commands that other specs run, on servers of their own. */
const ELSEWHERE = new Set(['CLIENT REPLY', 'FAILOVER', 'FUNCTION KILL', 'MIGRATE', 'QUIT', 'SCRIPT KILL', 'SHUTDOWN']);

/** What the server may say instead of doing it: its own state, or its build, forbids. */
const MAY_REFUSE: Readonly<Record<string, RegExp>> = {
  BGREWRITEAOF: /already in progress|active/,
  BGSAVE: /already in progress|active/,
  DEBUG: /not allowed|wrong number/,
  'MODULE LOAD': /not allowed|Error loading/,
  'MODULE LOADEX': /not allowed|Error loading/,
  'MODULE UNLOAD': /not allowed|no such module/,
};

/** Replies that no two calls share. */
const VOLATILE =
  /^(ACL (GENPASS|LOG)|BGREWRITEAOF|BGSAVE|CLIENT (ID|INFO|LIST|TRACKINGINFO)|COMMANDLOG GET|EVAL|HELLO|HOTKEYS GET|HRANDFIELD|INFO|LASTSAVE|LATENCY|LOLWUT|MEMORY|OBJECT|SLOWLOG GET|SRANDMEMBER|TIME|VINFO|VLINKS|VRANDMEMBER|X(PENDING|INFO)|ZRANDMEMBER)/;

const folder = mkdtempSync(join(tmpdir(), 'rxjs-redis-commands-'));
writeFileSync(join(folder, 'server.conf'), `aclfile ${folder}/users.acl\n`);
writeFileSync(join(folder, 'users.acl'), '');

const server = useServer({ args: [join(folder, 'server.conf')] });

let code = '';
beforeAll(async () => {
  const session = await RawSession.open(server(), { protocol: 2 });
  code = await codeOf(session);
  session.close();
});

/** A clean server and a connection to it. */
async function openClean(options: SessionOptions): Promise<RawSession> {
  const session = await RawSession.open(server(), options);
  await session.flushall();
  await session.configSet('maxmemory-policy', 'noeviction');
  return session;
}

/** Runs one call with replies in one form. */
async function runOn(options: SessionOptions, model: CommandModel, scenario: Scenario | unknown[]): Promise<Outcome> {
  const session = await openClean(options);
  try {
    const args = Array.isArray(scenario) ? scenario : await prepare(scenario);
    const command = byName[model.method]?.(...args) as Command;
    if (Array.isArray(scenario)) {
      for (const fixture of fixturesFor(model, keysOf(command).map(String))) await session.run(fixture);
    }
    return await outcomeOf(session, command);
  } finally {
    session.close();
  }

  // Scenarios are written for strings; the connection that is looked at may be one for bytes.
  async function prepare(steps: Scenario): Promise<unknown[]> {
    return options.bytes ? steps(session) : steps(session);
  }
}

/** Replies that have nothing in common but their type: what they tell of changes by being asked, or is left to chance. */
const UNLIKE = new Set(['LATENCY HISTOGRAM', 'VLINKS']);

/** Commands whose outcome depends on the call before, so that only what a scenario prepares can be compared. */
const PREPARED_ONLY = new Set(['HOTKEYS RESET', 'HOTKEYS STOP']);

function comparable(name: string, outcome: Outcome): unknown {
  if (UNLIKE.has(name) && 'value' in outcome) return typeof outcome.value;
  return VOLATILE.test(name) && 'value' in outcome ? shapeOf(outcome.value) : outcome;
}

/** Replication from a made-up master, and DEBUG with made-up arguments, would end what follows. */
function isHarmless(name: string, args: readonly unknown[]): boolean {
  if (name === 'REPLICAOF' || name === 'SLAVEOF') return args.length < 2;
  return name !== 'DEBUG' || args.length === 0;
}

describe.each(models().map((model) => [model.method, model] as const))('%s', (_method, model) => {
  const { name, group } = model.facts;
  if (ELSEWHERE.has(name) || group === 'cluster' || group === 'sentinel') return;
  const samples = samplesOf(model).map(({ args }) => args);
  const calls = [
    ...(SCENARIOS[name] ?? []),
    ...(PREPARED_ONLY.has(name) ? [] : samples.filter((args) => isHarmless(name, args))),
  ];

  it('answers the same in RESP2 and RESP3, as strings and as bytes', async () => {
    if (!isKnownTo(code, model.facts)) return;
    let answered = false;
    for (const one of calls) {
      const outcome = await runOn({ protocol: 3 }, model, one);
      answered ||= 'value' in outcome || MAY_REFUSE[name]?.test(outcome.refused) === true;
      if (VOLATILE.test(name) && MAY_REFUSE[name] !== undefined) continue;
      const expected = comparable(name, outcome);
      expect([one, comparable(name, await runOn({ protocol: 2 }, model, one))]).toEqual([one, expected]);
      expect([one, comparable(name, await runOn({ protocol: 3, bytes: true }, model, one))]).toEqual([one, expected]);
    }
    expect(answered).toBe(true);
  });
});
