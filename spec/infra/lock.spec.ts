import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { withLock } from '../../infra/servers/debian/lock';
import { runChild } from './run-child';

describe('The lock', () => {
  it('lets one work after the other', async () => {
    const name = randomUUID();
    let working = 0;
    let most = 0;
    const works = Array.from({ length: 5 }, (_, n) =>
      withLock(name, async () => {
        most = Math.max(most, ++working);
        await setImmediate();
        working--;
        return n;
      }),
    );
    expect(await Promise.all(works)).toEqual([0, 1, 2, 3, 4]);
    expect(most).toBe(1);
  });

  it('is free again when the work has failed', async () => {
    const name = randomUUID();
    await expect(withLock(name, () => Promise.reject(new Error('no work')))).rejects.toThrow('no work');
    expect(await withLock(name, () => Promise.resolve('worked'))).toBe('worked');
  });

  it('does not hold up work under another name', async () => {
    const other = () => withLock(randomUUID(), () => Promise.resolve('worked'));
    expect(await withLock(randomUUID(), other)).toBe('worked');
  });

  it('is kept from other processes, and free when its own is killed', async () => {
    const name = randomUUID();
    const holder = runChild('lock.child.ts', [name]);
    expect(await holder.nextLine()).toBe('locked');
    const order: string[] = [];
    const worked = withLock(name, () => Promise.resolve(order.push('worked')));
    // Asked for by now, and refused: what asks later gets it no sooner.
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    order.push('killed');
    holder.process.kill('SIGKILL');
    await worked;
    expect(order).toEqual(['killed', 'worked']);
  });

  it('needs no program and no file', async () => {
    const { PATH } = process.env;
    process.env.PATH = '';
    try {
      expect(await withLock('/nowhere/at/all', () => Promise.resolve('worked'))).toBe('worked');
    } finally {
      process.env.PATH = PATH;
    }
  });
});
