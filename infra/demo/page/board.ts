import { Inject, Injectable } from '@nestjs/common';
import { defer, map, merge, share, type Observable } from 'rxjs';
import { resync } from 'rxjs-redis';
import { del, expire, ltrim, publish, rpush } from 'rxjs-redis/commands';
import { InjectRedis } from 'rxjs-redis/nestjs';
import type { Client } from '../place';
import { STAGE, type Stage } from './stage';

/** Strokes that are kept. */
const KEPT = 300;
/** They end by themselves, in seconds, after a demo that could not clean up. */
const LIFETIME = 3600;

/** A line that was drawn in one go. */
export interface Stroke {
  readonly id: string;
  /** one of the page's colours */
  readonly colour: number;
  /** x, y, x, y, …, each from 0 to 1000 */
  readonly points: readonly number[];
}

/** What a window is told of the whiteboard. */
export type BoardItem =
  | { readonly type: 'board'; readonly strokes: readonly Stroke[] }
  | { readonly type: 'stroke'; readonly stroke: Stroke };

/** What is published where all strokes are gone. */
const WIPED = '';

/** A whiteboard that all windows share: strokes are published on a channel, and kept for those that come later or missed some. */
@Injectable()
export class Board {
  readonly #live$: Observable<BoardItem>;

  constructor(
    @InjectRedis('page') private readonly redis: Client,
    @Inject(STAGE) private readonly stage: Stage,
  ) {
    this.#live$ = redis.subscribe(stage.space.board, { gaps: true }).pipe(
      resync(() => this.#kept()),
      map((item): BoardItem => {
        if (item.type === 'snapshot') return { type: 'board', strokes: item.value };
        if (item.data === WIPED) return { type: 'board', strokes: [] };
        return { type: 'stroke', stroke: JSON.parse(item.data) as Stroke };
      }),
      share(),
    );
  }

  /** All strokes, then each; all again after a gap. */
  items(): Observable<BoardItem> {
    const before$ = defer(() => this.#kept()).pipe(map((strokes): BoardItem => ({ type: 'board', strokes })));
    return merge(this.#live$, before$);
  }

  /** Keeps a stroke and tells of it, both or neither. */
  draw(stroke: Stroke): Observable<unknown> {
    const { board } = this.stage.space;
    const text = JSON.stringify(stroke);
    return this.redis.multi(
      [rpush(board, text), ltrim(board, -KEPT, -1), expire(board, LIFETIME), publish(board, text)],
      { failFast: true },
    );
  }

  wipe(): Observable<unknown> {
    const { board } = this.stage.space;
    return this.redis.multi([del(board), publish(board, WIPED)], { failFast: true });
  }

  #kept(): Observable<readonly Stroke[]> {
    const texts$ = this.redis.lrange(this.stage.space.board, 0, -1);
    return texts$.pipe(map((texts) => texts.map((text) => JSON.parse(text) as Stroke)));
  }
}
