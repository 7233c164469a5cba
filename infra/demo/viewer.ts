import { filter, map, type Observable } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import type { Space } from './space';
import type { Sample } from './vitals/samples';

/** The samples that are published on the channels of all signs: one pattern, one subscription. */
export function samplesFrom(redis: Redis, space: Space): Observable<Sample> {
  return redis.subscribe(space.pattern).pipe(
    filter(({ channel }) => space.signOf(channel) !== undefined),
    map(({ data }) => JSON.parse(data) as Sample),
  );
}
