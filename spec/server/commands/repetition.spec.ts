import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call } from 'rxjs-redis/commands';
import { models } from '../../../gen/generate';
import { useServer } from '../../support/server';
import { ELSEWHERE } from './elsewhere';
import { codeOf, isKnownTo } from './known-to';
import { RawSession } from './raw-session';
import { callsOf } from './repetition/calls';
import { expectAsClaimed } from './repetition/differences';
import { runTwice, type Stage } from './repetition/run-twice';
import { Observer } from './repetition/server-state';

const folder = mkdtempSync(join(tmpdir(), 'rxjs-redis-repetition-'));
writeFileSync(join(folder, 'server.conf'), `aclfile ${folder}/users.acl\n`);
writeFileSync(join(folder, 'users.acl'), '');
afterAll(() => rmSync(folder, { recursive: true }));

const server = useServer({ args: [join(folder, 'server.conf')] });

let code = '';
let stage: Stage;

beforeAll(async () => {
  const session = await RawSession.open(server(), { protocol: 2 });
  code = await codeOf(session);
  session.close();
  stage = { address: server(), observer: await Observer.open(server(), [0, 1]), hasKeys: true, clean };
});
afterAll(() => stage.observer.close());

/** Settings that calls change, and what they are to begin with. Nothing is logged that only a slow machine would log. */
const SETTINGS = {
  'maxmemory-policy': 'noeviction',
  'slowlog-log-slower-than': '-1',
  'latency-monitor-threshold': '0',
  'slowlog-max-len': '128',
  'client-output-buffer-limit': 'pubsub 33554432 8388608 60',
  save: '',
  'notify-keyspace-events': '',
  'import-mode': 'no',
};

/** Commands that a server may not know. */
const CLEANING: readonly (readonly [string, ...string[]])[] = [
  ['REPLICAOF', 'NO', 'ONE'],
  ['FLUSHALL'],
  ['CLIENT', 'UNPAUSE'],
  ['ACL', 'DELUSER', 'alice', 'text'],
  ['ACL', 'LOG', 'RESET'],
  ['FUNCTION', 'FLUSH'],
  ['SCRIPT', 'FLUSH'],
  ['SLOWLOG', 'RESET'],
  ['LATENCY', 'RESET'],
  ['HOTKEYS', 'STOP'],
  ['HOTKEYS', 'RESET'],
  ...Object.entries(SETTINGS).map(([name, value]) => ['CONFIG', 'SET', name, value] as const),
];

async function clean(session: RawSession): Promise<void> {
  const replies = CLEANING.map(([name, ...args]) =>
    Promise.resolve(session.run(call(name, ...args))).catch(() => undefined),
  );
  await Promise.all(replies);
}

describe.each(models().map((model) => [model.method, model] as const))('%s', (_method, model) => {
  const { name, group } = model.facts;
  if (ELSEWHERE.has(name) || group === 'cluster' || group === 'sentinel') return;

  it('does what is said of it when it is done again', async () => {
    if (!isKnownTo(code, model.facts)) return;
    for (const what of callsOf(model)) {
      for (const withFixtures of [true, false]) {
        const twice = await runTwice(stage, model, what, withFixtures);
        if (twice !== undefined) expectAsClaimed(name, twice);
      }
    }
  });
});
