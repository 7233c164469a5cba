import type { Request } from '../commands/request';
import { Heap } from './heap';
import { Ring } from './ring';

/**
 * Requests that are written before all others, in the order of the calls. Most arrive in that order, at a constant cost each; the
 * others cost the logarithm of their number.
 */
//  push ──called after all before──▶ in order ┐
//      └──called before one of them──▶ heap ──┴──▶ shift: what was called first
export class Repeats {
  /** How many there are; a field, because every command reads it. */
  length = 0;
  readonly inOrder = new Ring<Request>();
  readonly others = new Heap<Request>();
  /** The place of the last of those in order. */
  private latest = 0;

  push(request: Request): void {
    this.length++;
    if (this.inOrder.length > 0 && request.place < this.latest) {
      this.others.push(request);
      return;
    }
    this.latest = request.place;
    this.inOrder.push(request);
  }

  peek(): Request | undefined {
    return this.isNextInOrder() ? this.inOrder.peek() : this.others.peek();
  }

  shift(): Request | undefined {
    if (this.length === 0) return undefined;
    this.length--;
    return this.isNextInOrder() ? this.inOrder.shift() : this.others.shift();
  }

  /** Takes out those that were called before a place. */
  takeBefore(place: number): Request[] {
    const taken: Request[] = [];
    for (let next = this.peek(); next !== undefined && next.place < place; next = this.peek())
      taken.push(this.shift()!);
    return taken;
  }

  /** Keeps only requests that meet a condition. */
  retain(isKept: (request: Request) => boolean): void {
    this.inOrder.retain(isKept);
    this.others.retain(isKept);
    this.length = this.inOrder.length + this.others.length;
  }

  /** In no order. */
  *[Symbol.iterator](): Iterator<Request> {
    yield* this.inOrder;
    yield* this.others;
  }

  private isNextInOrder(): boolean {
    const one = this.inOrder.peek();
    const other = this.others.peek();
    return other === undefined || (one !== undefined && one.place <= other.place);
  }
}
