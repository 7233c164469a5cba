import { Observable, take } from 'rxjs';
import type { Caller } from '../../../src/leases/lease-lists';
import type { LeasePool } from '../../../src/leases/lease-pool';
import type { Lease } from '../../../src/leases/lease';
import { use } from '../../../src/leases/use';

/** A pool that lends at once, and the order in which things happen. */
function lending() {
  const order: string[] = [];
  const lease = { giveBack: () => order.push('given back') } as unknown as Lease;
  const pool = { ask: (caller: Caller) => caller.lent(lease) } as unknown as LeasePool;
  return { order, pool: () => pool };
}

describe('The work on a connection that is lent', () => {
  it('is left in the middle of what it gives at once when its Observer leaves, and then the connection is given back', () => {
    const { order, pool } = lending();
    const endless = () =>
      new Observable<number>((subscriber) => {
        subscriber.add(() => order.push('left'));
        for (let n = 0; !subscriber.closed; n++) {
          order.push(String(n));
          subscriber.next(n);
        }
      });
    use(pool, endless)
      .pipe(take(2))
      .subscribe({ complete: () => order.push('complete') });
    expect(order.slice(0, 2)).toEqual(['0', '1']);
    expect([...order].sort()).toEqual(['0', '1', 'complete', 'given back', 'left']);
  });

  it.each(['complete', 'error'] as const)('has given the connection back when its %s is told', (end) => {
    const { order, pool } = lending();
    const work = () =>
      new Observable<number>((subscriber) => {
        subscriber.next(1);
        if (end === 'error') subscriber.error(new Error('of the work'));
        else subscriber.complete();
      });
    use(pool, work).subscribe({ complete: () => order.push('complete'), error: () => order.push('error') });
    expect(order.slice(0, 2)).toEqual(['given back', end]);
  });
});
