import { range, take, tap } from 'rxjs';
import { shielded } from '../../../src/connection/shielded';

describe('What stands between the client and user code', () => {
  it('stops a source that emits all at once when nobody listens any more', () => {
    let emitted = 0;
    const source = range(0, 1_000).pipe(tap(() => emitted++));
    source.pipe(shielded(), take(1)).subscribe();
    expect(emitted).toBeLessThanOrEqual(2);
  });
});
