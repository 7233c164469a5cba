import { EMPTY, asyncScheduler, catchError, ignoreElements, timer, type Subscription } from 'rxjs';
import type { Redis } from '../index';
import { parsed } from './transport';

/** A message, as it waits for an instance that is free. */
export interface GroupMessage {
  readonly route: string;
  readonly channel: string;
  readonly text: string;
}

/** Every instance gets a message; the first that claims it puts it into the list. */
const CLAIM = `
  if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[2]) then return 0 end
  return redis.call('RPUSH', KEYS[2], ARGV[1])
`;
/** How long instances may be apart in what they get, ms. */
const CLAIMED_FOR = 60_000;
/** After an error of the server, ms. */
const PAUSE = 1_000;

/** Shares messages among the instances of a group: each is worked on once, by one that is free. */
export class PubSubGroup {
  private readonly list: string;
  private readonly claim: (keys: [string, string], args: [string, number]) => PromiseLike<number>;
  private waiting: Subscription | undefined;
  private running = 0;
  private isClosed = false;

  constructor(
    private readonly redis: Redis,
    private readonly name: string,
    private readonly concurrency: number,
    private readonly work: (message: GroupMessage) => Promise<unknown>,
    private readonly failed: (error: unknown) => void,
  ) {
    this.list = `nest:group:{${name}}`;
    this.claim = redis.script(CLAIM, { keys: 2, reply: 'integer' });
  }

  /** @param key the same in all instances */
  async give(key: string, message: GroupMessage): Promise<void> {
    await this.claim([`nest:group:{${this.name}}:${key}`, this.list], [JSON.stringify(message), CLAIMED_FOR]);
  }

  /** Takes what waits, as long as there is room for it. */
  take(): void {
    if (this.isClosed || this.waiting !== undefined || this.running >= this.concurrency) return;
    this.waiting = this.redis
      .blpop(this.list, 0)
      .pipe(
        catchError((error: unknown) => {
          if (this.isClosed) return EMPTY;
          this.failed(error);
          return timer(PAUSE, asyncScheduler).pipe(ignoreElements());
        }),
      )
      .subscribe({
        next: (taken) => {
          if (taken !== null) this.run(taken[1]);
        },
        complete: () => {
          this.waiting = undefined;
          this.take();
        },
      });
  }

  /** Takes nothing more; what is just being taken is put back by the client. */
  stop(): void {
    this.isClosed = true;
    this.waiting?.unsubscribe();
  }

  private run(text: string): void {
    const message = parsed(text) as GroupMessage | null | undefined;
    // Others can write into the list.
    if (typeof message?.route !== 'string' || typeof message.text !== 'string') {
      this.failed(`What was in the list ${this.list} is no message`);
      return;
    }
    this.running++;
    void this.work(message).finally(() => {
      this.running--;
      this.take();
    });
  }
}
