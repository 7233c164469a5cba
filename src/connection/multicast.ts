import { Observable, type Subscriber } from 'rxjs';
import { reportUnhandled, safely } from './report-unhandled';

/**
 * A Subject for hot paths: 10 ns an emission in place of 30, since it neither guards against use after its end nor copies its
 * subscribers to go through them. It remembers nothing: who subscribes after the end hears nothing.
 */
export class Multicast<T> extends Observable<T> {
  /** Replaced when somebody comes or goes, never changed: who does so during an emission disturbs nobody. */
  private subscribers: readonly Subscriber<T>[] = [];

  constructor() {
    super((subscriber) => {
      this.subscribers = [...this.subscribers, subscriber];
      return () => (this.subscribers = this.subscribers.filter((other) => other !== subscriber));
    });
  }

  get observed(): boolean {
    return this.subscribers.length > 0;
  }

  // Hot: once per command, per push and per message.
  next(value: T): void {
    const { subscribers } = this;
    for (let i = 0; i < subscribers.length; i++) {
      try {
        subscribers[i]!.next(value);
      } catch (error) {
        reportUnhandled(error);
      }
    }
  }

  error(error: unknown): void {
    for (const subscriber of this.subscribers) safely(() => subscriber.error(error));
  }

  complete(): void {
    for (const subscriber of this.subscribers) safely(() => subscriber.complete());
  }
}
