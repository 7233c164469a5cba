import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from '../../infra/run-child';
import { useServer } from '../../support/server';

const CHILD = join(__dirname, 'unused-replies.child.ts');

describe('A reply that is made and not used', () => {
  const server = useServer();

  async function warnings(warnUnused: 'on' | 'off'): Promise<string[]> {
    const child = runChild(CHILD, [server().url, warnUnused], { NODE_NO_WARNINGS: '1' });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    expect(await child.exited).toStrictEqual([0, null]);
    return output.split('\n').filter((line) => line !== '');
  }

  it('is told with its command and where it was made, and no reply is that was used', async () => {
    const lines = readFileSync(CHILD, 'utf8').split('\n');
    const expected = lines.flatMap((line, index) => {
      const [, command] = / \/\/ ([A-Z.]+|chain)$/.exec(line) ?? [];
      return command === undefined ? [] : [`${command} ${index + 1}`];
    });
    expect(expected).toHaveLength(10);
    const told = await warnings('on');
    const shape =
      /^UnusedReplyWarning: A reply to (\S+), made at .*unused-replies\.child\.ts:(\d+):\d+, was neither subscribed to, awaited nor forgotten, so the command was never sent$/;
    const ofChain =
      /^UnusedReplyWarning: A (chain) of (?:pipeline|multi), begun at .*unused-replies\.child\.ts:(\d+):\d+, was never ended by exec\(\), so its commands were never sent$/;
    const seen = told.map((line) => line.replace(shape, '$1 $2').replace(ofChain, '$1 $2'));
    expect(seen.sort()).toStrictEqual([...expected].sort());
  });

  it('is not told where that is not asked for', async () => {
    expect(await warnings('off')).toStrictEqual([]);
  });
});
