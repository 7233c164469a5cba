import { join } from 'node:path';
import { runChild } from '../../infra/run-child';
import { useServer } from '../../support/server';
import { useTlsServer } from '../../support/tls-server';

describe('A process ends by itself, and well, when its client', () => {
  const server = useServer({ own: true });
  const tls = useTlsServer('--tls-auth-clients', 'no');

  async function outputOf(ending: string, url: string): Promise<string[]> {
    const child = runChild(join(__dirname, 'endings.child.ts'), [ending, url]);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    expect(await child.exited).toStrictEqual([0, null]);
    return output.trim().split('\n');
  }

  it.each([
    ['is closed after use', []],
    ['is closed with replies pending', ['late']],
    ['is disposed of', []],
    ['is destroyed while a command blocks', []],
    ['is destroyed while messages are awaited', ['DISCONNECTED']],
    ['is destroyed while a worker of a queue has a job', []],
    ['is closed while workers of a queue have a job and wait for one', []],
    ['is destroyed while it waits to reconnect', []],
    ['is destroyed while a command waits to be repeated', []],
    ['gives up', []],
    ['has lent a connection and does nothing more', []],
    ['is a pool that sent a command and is closed', []],
    ['is a pool that sent a command and does nothing more', []],
    ['is made and not used', []],
    ['meets errors that nobody listens to', []],
  ])('%s', async (ending, said) => {
    expect(await outputOf(ending, server().url)).toStrictEqual([...said, 'by itself']);
  });

  it('has lent a connection over TLS and does nothing more', async () => {
    const url = `rediss://127.0.0.1:${tls().tlsPort}`;
    expect(await outputOf('has lent a connection over TLS and does nothing more', url)).toStrictEqual(['by itself']);
  });
});
