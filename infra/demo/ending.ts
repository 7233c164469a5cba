import { concat, filter, firstValueFrom, fromEvent, map, NEVER, race, timer } from 'rxjs';

/**
 * Settles with the exit code when the show is over: its time has come, the user or the system ends it, or nobody reads any more.
 * Where it goes on when its time has come, only the others end it.
 * A second signal meets no listener and ends the process at once.
 */
export function ending(seconds: number, goesOn: () => boolean): Promise<number> {
  return firstValueFrom(
    race(
      concat(
        timer(1000 * seconds).pipe(
          filter(() => !goesOn()),
          map(() => 0),
        ),
        NEVER,
      ),
      fromEvent(process, 'SIGINT').pipe(map(() => 130)),
      fromEvent(process, 'SIGTERM').pipe(map(() => 143)),
      fromEvent(process.stdout, 'error').pipe(map(() => 0)),
    ),
  );
}
