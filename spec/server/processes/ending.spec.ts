import { join } from 'node:path';
import { runChild } from '../../infra/run-child';
import { useServer } from '../../support/server';

describe('A process ends by itself, and well, when its client', () => {
  const server = useServer({ own: true });

  it.each([
    ['is closed after use', []],
    ['is closed with replies pending', ['late']],
    ['is disposed of', []],
    ['is destroyed while a command blocks', []],
    ['is destroyed while messages are awaited', []],
    ['is destroyed while it waits to reconnect', []],
    ['is destroyed while a command waits to be repeated', []],
    ['gives up', []],
    ['has lent a connection and does nothing more', []],
    ['is made and not used', []],
    ['meets errors that nobody listens to', []],
  ])('%s', async (ending, said) => {
    const child = runChild(join(__dirname, 'endings.child.ts'), [ending, server().url]);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    expect(await child.exited).toStrictEqual([0, null]);
    expect(output.trim().split('\n')).toStrictEqual([...said, 'by itself']);
  });
});
