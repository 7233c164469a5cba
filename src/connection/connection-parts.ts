import type { Observable } from 'rxjs';
import type { RedisError } from '../errors';
import type { Clock } from './clock';
import type { Guide } from './guide';
import type { OutgoingOptions } from './outgoing';
import type { Detour } from './detour';
import type { Session } from './session';
import type { Dial, Endpoint } from './socket';

/** What a connection is made with beside its options. */
export interface ConnectionParts {
  /** it carries messages and no commands of users */
  readonly carriesMessages?: boolean;
  readonly dial?: Dial;
  readonly clock?: Clock;
  /** where the next link leads to; asked anew for each */
  readonly endpoint?: () => Observable<Endpoint>;
  /** knows the server in place of `endpoint`, and says when it is another */
  readonly guide?: Guide | undefined;
  /** it is made again until it was ready; a loss after that ends it */
  readonly once?: boolean;
  /** told of the first attempt that fails */
  readonly onFirstFailure?: (error: RedisError) => void;
  /** shared with a connection whose signing in this one is to follow */
  readonly session?: Session;
  /** takes requests elsewhere */
  readonly detour?: Detour | undefined;
  /** told of every write; see `OutgoingOptions` */
  readonly onWrite?: OutgoingOptions['onWrite'];
}
