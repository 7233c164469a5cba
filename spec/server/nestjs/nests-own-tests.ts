import type { INestMicroservice } from '@nestjs/common';
import { forkJoin, lastValueFrom, scan, toArray, type Observable } from 'rxjs';
import { until } from '../../support/until';
import { SumsController } from './sums.controller';

interface Sender {
  send<T>(pattern: unknown, data: unknown): Observable<T>;
  emit(pattern: unknown, data: unknown): Observable<unknown>;
}

/** What Nest asks of its own transport, of one of ours. `serve` starts an instance with SumsController, which takes 16 messages at once. */
export function itDoesWhatNestAsks(serve: () => Promise<{ app: INestMicroservice }>, client: () => Sender): void {
  it.each(['sum', 'asyncSum', 'streamSum'])('a request: %s', async (cmd) => {
    await serve();
    expect(await lastValueFrom(client().send<number>({ cmd }, [1, 2, 3, 4, 5]))).toBe(15);
  });

  it('many requests at once', async () => {
    await serve();
    const sender = client();
    const asked = Array.from({ length: 100 }, (_, index) => sender.send<number>({ cmd: 'sum' }, [index, index + 1]));
    expect(await lastValueFrom(forkJoin(asked))).toEqual(asked.map((_, index) => 2 * index + 1));
  });

  it('a stream of answers, in order', async () => {
    await serve();
    const added = client()
      .send<number>({ cmd: 'streaming' }, [1, 2, 3, 4, 5])
      .pipe(
        scan((sum, one) => sum + one, 0),
        toArray(),
      );
    expect(await lastValueFrom(added)).toEqual([1, 3, 6, 10, 15]);
  });

  it('an event', async () => {
    const { app } = await serve();
    await lastValueFrom(client().emit('notification', { n: 1 }), { defaultValue: undefined });
    const { notified } = app.get(SumsController);
    await until(() => notified.length === 1);
    expect(notified).toEqual([{ n: 1 }]);
  });
}
