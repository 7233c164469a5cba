import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from './worker';

describe('A worker of npm run simulate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'simulation-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A worker that begins seed 17 and then does something else than to end it. */
  function workerThat(ending: string): Worker {
    const file = join(folder, 'worker.cjs');
    writeFileSync(
      file,
      `process.on('message', () => process.send({ kind: 'begins', seed: 17 }, () => { ${ending} }));`,
    );
    return new Worker(file);
  }

  it('names the seed that ended its process', async () => {
    const { failure } = await workerThat('process.exit(3)').run({ from: 15, count: 10 });
    expect(failure).toStrictEqual({ seed: 17, violations: ['the process ended with 3'], fatal: true });
  });

  it('begins anew behind a seed that ended its process', async () => {
    const worker = workerThat('process.exit(3)');
    await worker.run({ from: 15, count: 10 });
    const { failure } = await worker.run({ from: 18, count: 7 });
    expect(failure).toMatchObject({ violations: ['the process ended with 3'] });
  });

  it('names the seed that does not come to its end', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      const worker = workerThat('for (;;);');
      const outcome = worker.run({ from: 15, count: 10 });
      await once(worker['process'], 'message');
      jest.advanceTimersByTime(60_000);
      const { failure, seeds } = await outcome;
      expect(failure).toStrictEqual({ seed: 17, violations: ['nothing was heard of it for 60 s'], fatal: true });
      expect(seeds).toBe(3);
    } finally {
      jest.useRealTimers();
    }
  });
});
