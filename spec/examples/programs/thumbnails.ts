import { filter, map, type Observable } from 'rxjs';
import { resync, type QueueEvent, type Redis } from 'rxjs-redis';

export interface Picture {
  readonly id: string;
  readonly url: string;
  readonly width: number;
}

/** Makes thumbnails in the background: any process asks for some, any worker makes them, and who asked is told. */
export class Thumbnails {
  private readonly queue;

  constructor(private readonly redis: Redis) {
    this.queue = redis.queue('thumbnails', { attempts: 3, backoff: 500 });
  }

  ask(picture: Picture) {
    return this.queue.push(JSON.stringify(picture));
  }

  /**
   * Works for as long as it is subscribed to. A job may be done twice, as after a worker's death: the second thumbnail takes the place
   * of the first.
   * @param make gives the address of the thumbnail; the signal is aborted when another worker has the job
   */
  work(make: (picture: Picture, signal: AbortSignal) => Promise<string>, concurrency = 4): Observable<QueueEvent> {
    return this.queue.work(
      async ({ payload, signal }) => {
        const picture = JSON.parse(payload) as Picture;
        const made = await make(picture, signal);
        await this.redis.hset('thumbnails:made', { [picture.id]: made });
        await this.redis.publish(`thumbnails:made:${picture.id}`, made);
      },
      { concurrency },
    );
  }

  /** The addresses of the thumbnails of a picture: the one that is there, and each that is made later. */
  made(id: string): Observable<string> {
    return this.redis.subscribe(`thumbnails:made:${id}`, { literal: true, gaps: true }).pipe(
      resync(() => this.redis.hget('thumbnails:made', id)),
      map((item) => (item.type === 'snapshot' ? item.value : item.data)),
      filter((address) => address !== null),
    );
  }
}
