import { Inject, Injectable } from '@nestjs/common';
import { bufferTime, defer, filter, forkJoin, map, merge, mergeMap, share, Subject, tap, type Observable } from 'rxjs';
import { resync, type Message, type Notice } from 'rxjs-redis';
import { InjectRedis } from 'rxjs-redis/nestjs';
import { hear } from '../broadcast';
import type { Client } from '../place';
import type { Sample } from '../vitals/samples';
import { signNames, signs, type SignName } from '../vitals/signs';
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
  /** in the messages of these signs; ms since the epoch */
  | { readonly type: 'gap'; readonly from: number; readonly to: number; readonly signs: readonly SignName[] };

/** The vital signs as the client hears them: one subscription at the server, however many windows there are. */
@Injectable()
export class VitalsFeed {
  /** Runs while there is a window. */
  readonly #live$: Observable<VitalsItem>;
  readonly #gap$ = new Subject<VitalsItem>();
  #received = 0;
  /** Signs of which messages may have been missed since what is kept was read. */
  readonly #behind = new Set<SignName>();

  constructor(
    @InjectRedis('page') private readonly redis: Client,
    @Inject(STAGE) private readonly stage: Stage,
    @Inject(Journal) private readonly journal: Journal,
  ) {
    const copy$ = hear(redis, stage.space).pipe(
      tap((item) => this.#meet(item)),
      resync(() => this.#kept()),
      share(),
    );
    this.#live$ = merge(
      this.#gap$,
      copy$.pipe(
        filter((item) => item.type === 'snapshot'),
        mergeMap(({ value }) => this.#copied(value)),
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
      const sign = item.channel === undefined ? undefined : this.stage.space.signOf(item.channel);
      const missing = sign === undefined ? signNames : [sign];
      for (const one of missing) this.#behind.add(one);
      const whose = sign === undefined ? '' : ` of ${signs[sign].name}`;
      this.journal.write({ kind: 'lost', text: `page: a gap of ${to - from} ms in the messages${whose}` });
      this.#gap$.next({ type: 'gap', from, to, signs: missing });
    } else if (item.type !== 'subscribed' && this.#isSign(item.channel)) this.#received++;
  }

  /** Those of signs without a gap are on their way as messages, where they are new. */
  #copied(samples: readonly ToldSample[]): readonly VitalsItem[] {
    const missed = samples.filter(({ sign }) => this.#behind.has(sign));
    const others = samples.filter(({ sign }) => !this.#behind.has(sign));
    const received = this.#received;
    if (this.#behind.size > 0) {
      this.journal.write({ kind: 'back', text: `page: read the ${missed.length} samples that Redis keeps` });
    }
    this.#behind.clear();
    return [
      { type: 'caught-up', samples: missed, received },
      { type: 'kept', samples: others, received },
    ];
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
