import { TestScheduler, type RunHelpers } from 'rxjs/testing';

/** Runs a spec in virtual time, one frame a ms. */
export function marbles(spec: (helpers: RunHelpers) => void): () => void {
  return () => new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(spec);
}
