import { Inject, Injectable } from '@nestjs/common';
import { bufferTime, defer, filter, forkJoin, map, merge, share, Subject, tap, type Observable } from 'rxjs';
import { resync, type Message, type Notice, type Redis } from 'rxjs-redis';
import { InjectRedis } from 'rxjs-redis/nestjs';
import type { Sample } from '../vitals/samples';
import { signNames, signs } from '../vitals/signs';
import { Journal } from './journal';
import { STAGE, type Stage } from './stage';

/** Samples of so many ms travel to the windows together. */
const TOGETHER = 100;

/** A sample with its value for people. */
export interface ToldSample extends Sample {
  readonly text: string;
}

/** What a window is told of the vital signs. `received` counts the samples that have come as messages, since the demo began. */
export type VitalsItem =
  | {
      readonly type: 'kept' | 'caught-up' | 'samples';
      readonly samples: readonly ToldSample[];
      readonly received: number;
    }
  /** ms since the epoch */
  | { readonly type: 'gap'; readonly from: number; readonly to: number };

/** The vital signs as the client hears them: one subscription at the server, however many windows there are. */
@Injectable()
export class VitalsFeed {
  /** Runs while there is a window. */
  readonly #live$: Observable<VitalsItem>;
  readonly #gap$ = new Subject<VitalsItem>();
  #received = 0;
  #isBehind = false;

  constructor(
    @InjectRedis('page') private readonly redis: Redis,
    @Inject(STAGE) private readonly stage: Stage,
    @Inject(Journal) private readonly journal: Journal,
  ) {
    const copy$ = redis.subscribe(stage.space.pattern, { gaps: true }).pipe(
      tap((item) => this.#meet(item)),
      resync(() => this.#kept()),
      share(),
    );
    this.#live$ = merge(
      this.#gap$,
      copy$.pipe(
        filter((item) => item.type === 'snapshot'),
        map(({ value }) => this.#copied(value)),
      ),
      copy$.pipe(
        filter((item) => item.type !== 'snapshot'),
        filter(({ channel }) => this.#isSign(channel)),
        map(({ data }) => told(data)),
        bufferTime(TOGETHER),
        filter(({ length }) => length > 0),
        map((samples): VitalsItem => ({ type: 'samples', samples, received: this.#received })),
      ),
    ).pipe(share());
  }

  get received(): number {
    return this.#received;
  }

  /** What was kept, each sample from then on, and what was kept again after each gap. */
  items(): Observable<VitalsItem> {
    const before$ = defer(() => this.#kept()).pipe(
      map((samples): VitalsItem => ({ type: 'kept', samples, received: this.#received })),
    );
    return merge(this.#live$, before$);
  }

  #meet(item: Message | Notice): void {
    if (item.type === 'gap') {
      const [from, to] = [item.from.getTime(), item.to.getTime()];
      this.#isBehind = true;
      this.journal.write({ kind: 'lost', text: `page: a gap of ${to - from} ms in the messages` });
      this.#gap$.next({ type: 'gap', from, to });
    } else if (item.type !== 'subscribed' && this.#isSign(item.channel)) this.#received++;
  }

  #copied(samples: readonly ToldSample[]): VitalsItem {
    const type = this.#isBehind ? 'caught-up' : 'kept';
    if (this.#isBehind) {
      this.journal.write({ kind: 'back', text: `page: read the ${samples.length} samples that Redis keeps` });
    }
    this.#isBehind = false;
    return { type, samples, received: this.#received };
  }

  #isSign(channel: string): boolean {
    return this.stage.space.signOf(channel) !== undefined;
  }

  /** The samples that Redis has of each sign. */
  #kept(): Observable<readonly ToldSample[]> {
    const { space } = this.stage;
    return forkJoin(signNames.map((sign) => this.redis.lrange(space.history(sign), 0, -1))).pipe(
      map((histories) => histories.flat().map(told).reverse()),
    );
  }
}

function told(text: string): ToldSample {
  const sample = JSON.parse(text) as Sample;
  return { ...sample, text: signs[sample.sign].tell(sample.value) };
}
