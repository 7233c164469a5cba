import type { Downstream } from './downstream';
import type { Link, Surroundings } from './link';
import type { Pipe } from './pipe';
import type { StreamFault } from './plan';

/** What a fault takes hold of. */
interface Inside {
  readonly up: Pipe;
  readonly down: Pipe;
  readonly downstream: Downstream;
  /** tells the client that the connection is gone */
  readonly lose: (cause: Error) => void;
  /** gives the client bytes past all that is under way */
  readonly emit: (bytes: Buffer) => void;
}

/** What befalls a connection when its bytes have come to the place of a fault. */
export class Strikes {
  constructor(
    private readonly link: Link,
    private readonly inside: Inside,
    private readonly around: Surroundings,
  ) {}

  strike(fault: StreamFault): void {
    switch (fault.type) {
      case 'cut':
        this.cut(fault);
        break;
      case 'stall':
        this.struck(fault);
        this.inside[fault.way].stall(fault.duration);
        break;
      case 'garbage':
        this.insertGarbage(fault);
        break;
      case 'noise':
        if (!this.link.open || this.link.poisoned || this.link.peer.protocol !== 3) return;
        this.struck(fault);
        this.inside.downstream.insertNoise(fault.text);
        break;
      case 'extra':
        this.sendExtra(fault);
        break;
    }
  }

  private cut(fault: Extract<StreamFault, { type: 'cut' }>): void {
    const { up, down, lose } = this.inside;
    const { timeline } = this.around;
    this.struck(fault);
    if (fault.both || fault.way === 'up') up.kill();
    if (fault.both || fault.way === 'down') down.kill();
    if (fault.notice === Infinity) return;
    if (down.dead) timeline.afterInProcess(fault.notice, () => lose(new Error('reset')));
    else timeline.afterInProcess(fault.notice, () => down.atEnd(() => lose(new Error('reset'))));
  }

  private insertGarbage(fault: Extract<StreamFault, { type: 'garbage' }>): void {
    const { link } = this;
    const broken = () => {
      if (link.open) this.around.referee.fail(`link ${link.index}: still open after ${JSON.stringify(fault.text)}`);
    };
    if (!link.open || link.poisoned || !this.inside.downstream.insertGarbage(fault.text, broken)) return;
    link.poisoned = true;
    this.struck(fault);
  }

  private sendExtra(fault: Extract<StreamFault, { type: 'extra' }>): void {
    const { link } = this;
    if (!link.open) return;
    // Where a reply is owed nobody could tell it from the right one.
    if (link.oldest !== undefined) {
      this.inside[fault.way].postpone(fault);
      return;
    }
    this.struck(fault);
    link.poisoned = true;
    this.inside.emit(Buffer.from('+extra\r\n'));
    if (link.open) this.around.referee.fail(`link ${link.index}: still open after a reply that nothing asked for`);
  }

  private struck(fault: StreamFault): void {
    const { journal, referee } = this.around;
    const where = `${this.inside[fault.way].spot} a ${fault.way === 'up' ? 'request' : 'reply'}`;
    journal.count(`${fault.type} ${where}`);
    if (fault.type === 'cut' && fault.notice === Infinity) journal.count(`half-open ${where}`);
    referee.struck(this.link, fault);
  }
}
