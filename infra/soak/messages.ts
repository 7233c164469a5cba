import type { Subscription } from 'rxjs';
import type { Redis } from 'rxjs-redis';

const CHANNEL = 'soak:messages';

/** Publishes numbers over a good line and hears them over the bad one: some are lost with a connection, none comes twice or late. */
export class Messages {
  heard = 0;
  published = 0;
  readonly wrong: string[] = [];
  private last = 0;
  private readonly subscription: Subscription;

  constructor(
    private readonly listener: Redis,
    private readonly publisher: Redis,
  ) {
    this.subscription = listener.subscribe(CHANNEL).subscribe(({ data }) => {
      const number = Number(data);
      if (number <= this.last) this.wrong.push(`message ${number} after ${this.last}`);
      this.last = number;
      this.heard++;
    });
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.publisher.publish(CHANNEL, ++this.published);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Whether the subscription has outlived everything: a message more is heard. */
  async stillHears(): Promise<boolean> {
    await this.listener.ping();
    await this.publisher.publish(CHANNEL, ++this.published);
    await this.listener.ping();
    return this.last === this.published;
  }

  stop(): void {
    this.subscription.unsubscribe();
  }
}
