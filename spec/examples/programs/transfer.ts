import { map, type Observable } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { decrby, get, incrby } from 'rxjs-redis/commands';

/**
 * Moves money from one account to another, unless there is too little of it.
 * @returns whether it was moved
 */
export function transfer(redis: Redis, from: string, to: string, amount: number): Observable<boolean> {
  const move = ({ balance }: { balance: string | null }) =>
    Number(balance) < amount ? null : [decrby(from, amount), incrby(to, amount)];
  return redis
    .watch([from, to], move, { read: { balance: get(from) }, attempts: Infinity })
    .pipe(map((moved) => moved !== null));
}
