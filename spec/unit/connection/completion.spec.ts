import { EMPTY, NEVER, Observable, Subject, firstValueFrom, lastValueFrom, of, switchMap, throwError } from 'rxjs';
import { Completion } from '../../../src/connection/completion';
import { record } from '../../support/clients';

describe('A Completion', () => {
  it('emits once, undefined, and completes, whatever its work emits', () => {
    for (const work of [EMPTY, of(1, 2, 3), of(undefined), []]) {
      expect(record(new Completion(work))).toMatchObject({ values: [undefined], ended: 'complete' });
    }
  });

  it('can be waited for and gone on from', async () => {
    expect(await firstValueFrom(new Completion(EMPTY))).toBeUndefined();
    expect(await lastValueFrom(new Completion(EMPTY).pipe(switchMap(() => of('next'))))).toBe('next');
    const done: Promise<void> = new Completion(EMPTY);
    expect(await done.finally(() => undefined)).toBeUndefined();
  });

  it('emits nothing before the work is done', () => {
    const work = new Subject<number>();
    const seen = record(new Completion(work));
    work.next(1);
    expect(seen).toMatchObject({ values: [], ended: undefined });
    work.complete();
    expect(seen).toMatchObject({ values: [undefined], ended: 'complete' });
  });

  it('is hot: its work begins without an Observer, and once', async () => {
    let begun = 0;
    const completion = new Completion(
      new Observable((subscriber) => {
        begun++;
        subscriber.complete();
      }),
    );
    expect(begun).toBe(1);
    completion.subscribe();
    await completion;
    expect(begun).toBe(1);
  });

  it('goes on when an Observer leaves', () => {
    let stopped = false;
    const completion = new Completion(
      NEVER.pipe(
        (source) =>
          new Observable((subscriber) => {
            subscriber.add(source.subscribe(subscriber));
            return () => (stopped = true);
          }),
      ),
    );
    completion.subscribe().unsubscribe();
    expect(stopped).toBe(false);
  });

  it('gives every Observer its error and troubles nothing where there is none', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    process.on('uncaughtException', note);
    const completion = new Completion(throwError(() => new Error('refused')));
    await new Promise(setImmediate);
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
    expect(unhandled).toStrictEqual([]);
    expect(record(completion)).toMatchObject({ values: [], ended: { message: 'refused' } });
    await expect(completion).rejects.toThrow('refused');
    await expect(completion.catch((error: Error) => error.message)).resolves.toBe('refused');
  });
});
