import type { Subscriber } from 'rxjs';
import { ConnectionError, type RedisError } from '../errors';
import { nameOf } from '../options/addresses';
import type { Sentinel } from './sentinel';
import type { Knowledge } from './sentinel-replies';
import type { Place, Sentinels } from './sentinels';

/** Asks one sentinel after the other, until one gives an answer that nothing speaks against. */
//  next ──▶ ask ──▶ good ──▶ told
//   ▲        └──▶ no answer, or a doubtful one ──▶ next; after the last, the best of the doubtful ones
export class Inquiry {
  private readonly reasons: [Sentinel, RedisError][] = [];
  private doubtful: { readonly place: Place; readonly sentinel: Sentinel; readonly rank: number } | undefined;
  private at = 0;

  constructor(
    private readonly sentinels: readonly Sentinel[],
    private readonly subscriber: Subscriber<Place>,
    private readonly all: Sentinels,
    private readonly doubted: string | undefined,
  ) {}

  next(): void {
    // All that wants to know is being closed as well.
    if (this.all.hasEnded) return;
    const sentinel = this.sentinels[this.at++];
    if (sentinel === undefined) {
      this.end();
      return;
    }
    const asked = sentinel.ask().subscribe({
      next: (knowledge) => this.judge(sentinel, knowledge),
      error: (error: RedisError) => {
        this.reasons.push([sentinel, error]);
        this.next();
      },
    });
    this.subscriber.add(asked);
  }

  private judge(sentinel: Sentinel, knowledge: Knowledge): void {
    const { all, doubted } = this;
    const place = knowledge.master && all.choose(knowledge, doubted);
    if (place === undefined) {
      const why = knowledge.master === undefined ? (all.troubleOf(knowledge) ?? '') : all.noPlace(knowledge);
      this.reasons.push([sentinel, new ConnectionError(why)]);
      this.next();
      return;
    }
    const isDoubted = nameOf(place.address) === doubted;
    const rank = (all.isStale(knowledge) ? 4 : 0) + (isDoubted ? 2 : 0) + (knowledge.isInTilt ? 1 : 0);
    if (rank === 0) {
      this.tell(place, sentinel);
      return;
    }
    if (this.doubtful === undefined || rank < this.doubtful.rank) this.doubtful = { place, sentinel, rank };
    this.next();
  }

  private end(): void {
    const { doubtful } = this;
    if (doubtful === undefined) this.subscriber.error(this.all.nowhere(this.reasons));
    else this.tell(doubtful.place, doubtful.sentinel);
  }

  private tell(place: Place, sentinel: Sentinel): void {
    this.all.prefer(sentinel);
    this.subscriber.next(place);
    this.subscriber.complete();
  }
}
