import { filter, map, type Observable } from 'rxjs';
import { hear } from './broadcast';
import type { Client } from './place';
import type { Space } from './space';
import type { Sample } from './vitals/samples';

/** The samples that are published on the channels of all signs. */
export function samplesFrom(redis: Client, space: Space): Observable<Sample> {
  return hear(redis, space).pipe(
    filter((item) => item.type !== 'gap' && item.type !== 'subscribed'),
    filter(({ channel }) => space.signOf(channel) !== undefined),
    map(({ data }) => JSON.parse(data) as Sample),
  );
}
