import { EMPTY, Subject } from 'rxjs';
import type { Resident } from '../../src/connection/resident';
import type { Push } from '../../src/resp/frames';

/** A resident that hands on what a connection is pushed, and has nothing else to do. */
export class Pushes extends Subject<Push> implements Resident {
  constructor(readonly listening = false) {
    super();
  }

  receive(push: Push): void {
    this.next(push);
  }

  restore() {
    return EMPTY;
  }

  suspend() {
    return EMPTY;
  }

  resume() {
    return EMPTY;
  }

  beforeWrite(): void {
    // nothing to send
  }
}
