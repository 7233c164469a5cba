import { Observable, type Subscriber } from 'rxjs';

/**
 * A stream of bytes whose end can be told again and again, to all who have ever listened and whether they still do: a Subject would
 * keep the second time from everybody.
 */
export class ByteStream extends Observable<Uint8Array> {
  private readonly listeners = new Set<Subscriber<Uint8Array>>();
  private readonly everybody: Subscriber<Uint8Array>[] = [];

  constructor() {
    super((subscriber) => {
      this.listeners.add(subscriber);
      this.everybody.push(subscriber);
      return () => this.listeners.delete(subscriber);
    });
  }

  get observed(): boolean {
    return this.listeners.size > 0;
  }

  next(bytes: Uint8Array): void {
    for (const listener of [...this.listeners]) listener.next(bytes);
  }

  error(error: Error): void {
    for (const listener of this.everybody) listener.error(error);
  }
}
