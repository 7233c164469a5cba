import assert from 'node:assert';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Observable, firstValueFrom, from, lastValueFrom, toArray } from 'rxjs';
import { Reply, ReplyError } from 'rxjs-redis';
import { call } from 'rxjs-redis/commands';
import type { Request } from '../../../src/commands/request';
import { plainContext } from '../../../src/commands/request-context';
import { record } from '../../support/clients';
import { until } from '../../support/until';

const refusal = new ReplyError('WRONGTYPE Operation against a key', 'WRONGTYPE');

/** A surface that keeps what is submitted. */
function surface() {
  const submitted: Request[] = [];
  const told: Error[] = [];
  const source = {
    ...plainContext,
    executor: { submit: (request: Request) => void submitted.push(request) },
    report: (error: Error) => void told.push(error),
  };
  return { source, submitted, told };
}

describe('A Reply', () => {
  it('is all of a Promise', async () => {
    const log: unknown[] = [];
    const value: Promise<string> = Reply.of('value');
    const failed: Promise<string> = Reply.fail(refusal);
    expect(await value.then((text) => text.length)).toBe(5);
    expect(await value.catch(() => 'caught')).toBe('value');
    expect(await failed.catch((error: unknown) => error)).toBe(refusal);
    expect(await value.finally(() => log.push('finally'))).toBe('value');
    await expect(failed.finally(() => log.push('finally'))).rejects.toBe(refusal);
    expect(log).toStrictEqual(['finally', 'finally']);
    expect(await Promise.race([value])).toBe('value');
    expect(Object.prototype.toString.call(value)).toBe('[object Reply]');
    await assert.rejects(failed, refusal);
  });

  it('sends once however often it is awaited, and once per subscription', async () => {
    const { source, submitted } = surface();
    const reply = Reply.from(source, call('INCR', 'n'));
    const awaited = Promise.all([reply, reply.catch(() => 0), reply.finally()]);
    expect(submitted).toHaveLength(1);
    submitted[0]!.settle(7);
    expect(await awaited).toStrictEqual([7, 7, 7]);
    reply.subscribe();
    reply.subscribe();
    expect(submitted).toHaveLength(3);
  });

  it('leaves nothing of what it has brought, which may be large, once its user has left it', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const bring = async () => new WeakRef(await Reply.of({ large: true }));
    const brought = await bring();
    await until(() => {
      collectGarbage();
      return brought.deref() === undefined;
    });
  });

  it('does not trouble the process where catch, or await behind finally, takes the error', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    await Reply.fail(refusal).catch(() => undefined);
    await Reply.fail(refusal)
      .finally(() => undefined)
      .catch(() => undefined);
    await new Promise(setImmediate);
    process.off('unhandledRejection', note);
    expect(unhandled).toStrictEqual([]);
  });

  it('is a value or an error of a test, as often as that is wanted', async () => {
    const reply = Reply.of(['a', 'b']);
    expect(reply).toBeInstanceOf(Reply);
    expect(reply).toBeInstanceOf(Observable);
    expect(await reply).toStrictEqual(['a', 'b']);
    expect(record(reply)).toMatchObject({ values: [['a', 'b']], ended: 'complete' });
    expect(await lastValueFrom(from(reply).pipe(toArray()))).toStrictEqual([['a', 'b']]);
    expect(await Reply.of(undefined)).toBeUndefined();
    const failed = Reply.fail(refusal);
    await expect(failed).rejects.toBe(refusal);
    expect(record(failed)).toMatchObject({ values: [], ended: refusal });
    await expect(firstValueFrom(failed)).rejects.toBe(refusal);
  });

  it('of a test can be forgotten', () => {
    expect(() => Reply.of(1).forget()).not.toThrow();
    expect(() => Reply.fail(refusal).forget()).not.toThrow();
  });

  it('sends at once when it is forgotten, and tells its surface of nothing but an error', () => {
    const { source, submitted, told } = surface();
    expect(Reply.from(source, call('INCR', 'a')).forget()).toBeUndefined();
    Reply.from(source, call('INCR', 'b')).forget();
    expect(submitted.map(({ command }) => command.args)).toStrictEqual([['a'], ['b']]);
    submitted[0]!.settle(1);
    submitted[1]!.fail(refusal);
    expect(told).toStrictEqual([refusal]);
  });

  it('is what a log shows of it: the name of its command, no argument', () => {
    const reply = Reply.from(surface().source, call('SET', 'k', 's3cret'));
    expect(JSON.stringify(reply)).toBe('{"command":"SET"}');
  });
});
