import { join } from 'node:path';
import { runChild, type Child } from '../../infra/run-child';
import { eventually, useClients } from '../../support/clients';
import { useServer } from '../../support/server';

describe('A process that was frozen while the server ended its connection', () => {
  const server = useServer({ own: true });
  const make = useClients();
  let child: Child;
  beforeEach(() => (child = runChild(join(__dirname, 'frozen.child.ts'), [server().url])));
  afterEach(async () => {
    child.process.kill('SIGKILL');
    await child.exited;
  });

  it('has each command run once that is called as it wakes, also one that must not be repeated', async () => {
    const redis = make(server().url);
    const url = `http://127.0.0.1:${await child.nextLine()}`;
    const call = async () => (await fetch(url)).text();
    expect(await call()).toBe('1');
    for (let calls = 2; calls <= 20; calls++) {
      child.process.kill('SIGSTOP');
      await redis.call('CLIENT', 'KILL', 'SKIPME', 'yes');
      await eventually(
        () => redis.call<string>('CLIENT', 'LIST'),
        (list) => list.trim().split('\n').length === 1,
      );
      // The request waits in the socket of the frozen process, beside the end of its connection.
      const called = call();
      await new Promise((resolve) => setImmediate(resolve));
      child.process.kill('SIGCONT');
      expect(await called).toBe(String(calls));
    }
  });
});
