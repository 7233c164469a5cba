import { Observable } from 'rxjs';
import type { Dial } from '../../src/connection/socket';
import { ConnectionError, TimeoutError } from '../../src/errors';
import { Link, type Surroundings } from './link';
import { calmLink, isSlow, traitsOf, type LinkTraits } from './link-traits';
import type { LinkItem } from './plan';

/** So long takes a connection that counts as slow, ms. */
const SLOW = 80;

/** All connections of a run, in the order in which they were dialled. */
export class Network {
  readonly links: Link[] = [];
  private dialled = 0;
  private isCalm = false;

  constructor(
    private readonly items: readonly LinkItem[],
    private readonly around: Surroundings,
  ) {}

  /** The link of the latest dial, unless that has come to nothing so far. */
  get latest(): Link | undefined {
    return this.links.find(({ index }) => index === this.dialled - 1);
  }

  get open(): readonly Link[] {
    return this.links.filter(({ open }) => open);
  }

  /** Nothing is refused or broken any more. */
  calm(): void {
    this.isCalm = true;
    for (const link of this.open) link.calm();
  }

  /** Those that are slower than a short limit of commands allows, whatever else befalls them. */
  get slow(): readonly Link[] {
    return this.open.filter(({ traits }) => isSlow(traits));
  }

  /** Takes the place of the real socket. Tells who dials of the link that is open. */
  dial(onOpen: (link: Link) => void): Dial {
    return ({ connectTimeout }) =>
      new Observable((subscriber) => {
        const { timeline, server, journal } = this.around;
        const index = this.dialled++;
        const traits = this.traits(index);
        let link: Link | undefined;
        const accept = () => {
          timeline.touched = true;
          if (traits.dial === 'refused' || server.down) {
            journal.count('refused');
            subscriber.error(new ConnectionError(`link ${index}: refused`, { cause: new Error('ECONNREFUSED') }));
            return;
          }
          if (traits.acceptDelay >= SLOW) journal.count('slow handshake');
          link = new Link(index, traits, this.around, (error) => subscriber.error(error));
          this.links.push(link);
          this.around.referee.opened(link);
          onOpen(link);
          subscriber.next(link);
        };
        const giveUp = () => {
          timeline.touched = true;
          journal.count('silent');
          subscriber.error(new TimeoutError(`link ${index}: not accepted within ${connectTimeout} ms`));
        };
        const silent = traits.dial === 'silent' || traits.acceptDelay >= connectTimeout;
        const pending = silent
          ? timeline.afterInProcess(connectTimeout, giveUp)
          : timeline.afterInProcess(traits.acceptDelay, accept);
        return () => {
          pending.unsubscribe();
          link?.destroy();
        };
      });
  }

  private traits(index: number): LinkTraits {
    return this.isCalm ? calmLink : traitsOf(this.items.filter(({ link }) => link === index || link === 'every'));
  }
}
