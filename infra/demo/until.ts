import { firstValueFrom, fromEvent, merge, of, timer, type Observable } from 'rxjs';

/** Waits for the first value: no longer than so many ms, and not at all once the signal says that all is over. */
export function until(happens$: Observable<unknown>, patience: number, signal: AbortSignal): Promise<unknown> {
  const isOver$ = signal.aborted ? of(undefined) : fromEvent(signal, 'abort');
  return firstValueFrom(merge(happens$, timer(patience), isOver$), { defaultValue: undefined });
}
