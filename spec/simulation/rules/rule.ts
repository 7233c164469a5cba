import type { DisconnectReason } from '../../../src/connection/connection-state';
import type { Journal } from '../journal';
import type { LeaseStats } from '../client';
import type { Link } from '../link';
import type { Observers } from '../observers';
import type { PushedMessage } from '../peer';
import type { CounterType, Settings } from '../plan';
import type { Circumstances, Outcome, Sent } from '../sent';
import type { Take } from '../takes';
import type { Timeline } from '../timeline';
import type { Use, UseOutcome } from '../use';
import type { WireRequest } from '../wire';
import type { JobEvents } from './job-events';
import type { StreamEvents } from './stream-events';

/** One write of the client to a link. */
export interface Write {
  readonly bytes: number;
  /** nothing was owed on the link before it */
  readonly first: boolean;
  readonly requests: readonly WireRequest[];
}

/** What one chunk of bytes brings whole. */
export interface Arrival {
  readonly answered: readonly WireRequest[];
  readonly messages: readonly PushedMessage[];
  /** the SUNSUBSCRIBEs owed first when the server said that it had taken the same channel away, and that channel */
  readonly taken: readonly (readonly [WireRequest, string])[];
  /** some of it belongs to replies, whole or not */
  readonly bringsReplies: boolean;
}

/**
 * One guarantee of the client. A rule has a method for each thing that it has to know of; what breaks the guarantee goes to the
 * journal. The rules are listed in `index.ts`, and the referee calls them in that order.
 */
export interface Rule extends Partial<StreamEvents>, Partial<JobEvents> {
  opened?(link: Link): void;
  /** the client takes the link for ready: it has been told all that it greets and subscribes with */
  ready?(link: Link, protocol: 2 | 3): void;
  /** live connections are to be signed in anew, so many times */
  rotated?(times: number): void;
  /** the user has called a command */
  submitted?(sent: Sent): void;
  /** a request was written; it is not among the requests of the link yet */
  written?(link: Link, request: WireRequest): void;
  wrote?(link: Link, write: Write): void;
  filled?(link: Link): void;
  emptied?(link: Link): void;
  /** bytes have come to the client, and nothing of them is taken into account yet */
  come?(link: Link): void;
  /** bytes are about to reach the client; returns what is to be checked once the client has read them */
  arriving?(link: Link, arrival: Arrival): (() => void) | undefined;
  /** the first bytes of a message, and not all of them, are about to reach the client */
  begun?(message: PushedMessage): void;
  /** the server is about to publish what a command of the workload wants published */
  published?(link: Link, id: number, channel: string): void;
  /** the network or the server has ended the link */
  lost?(link: Link): void;
  /** the client leaves the link, which was open, and may reset it: then nothing more of what it sent arrives */
  left?(link: Link, reset: boolean): void;
  /** what the client may say of why it leaves the link; nothing when it has to keep it */
  reasonsToLeave?(link: Link): readonly DisconnectReason[];
  /** no limit of the link, which was open until now, may be over */
  looked?(link: Link): void;
  settled?(sent: Sent, outcome: Outcome): void;
  /** a user wants a connection of its own */
  useAsked?(use: Use): void;
  /** the user's work is called */
  useBegun?(use: Use): void;
  useEnded?(use: Use, outcome: UseOutcome): void;
  /** all is over: what can be told of a use only now */
  useConcluded?(use: Use): void;
  /** a connection was made that is lent: how many of them are not closed */
  connected?(connections: number): void;
  /** all work on lent connections has ended, and none has been idle for less than it may */
  rested?(stats: LeaseStats): void;
  /** the first command of a use has come to the server, which has done nothing with it yet */
  lentTo?(link: Link, use: number): void;
  /** a transaction of a use sets a counter at the server */
  incremented?(link: Link, use: number, before: number, after: number): void;
  /** what a use watches has changed at the server */
  disturbed?(use: number): void;
  /** a counter has got another type at the server, or is gone */
  retyped?(key: string): void;
  /** the user of a `watch` is given the value of a counter, which the client has read as one of a type */
  watchedAs?(key: string, type: CounterType): void;
  /** a user waits at the server for an element */
  takeAsked?(take: Take): void;
  takeEnded?(take: Take): void;
  /** another client pushes an element */
  pushed?(element: string): void;
  /** the server has given an element to a take, whose request it is */
  popped?(take: number, element: string, request: WireRequest): void;
  /** the client's request puts an element back */
  returned?(element: string, request: WireRequest): void;
  /** the client has ended the wait of a take at the server */
  unblocked?(take: number): void;
  /** the server has lost its memory, and these elements with it */
  forgotten?(elements: readonly string[]): void;
  /** all is over, and these elements are still there */
  takesConcluded?(elements: readonly string[]): void;
  /** all is over: what can be told of a command only now */
  concluded?(sent: Sent): void;
}

/** What rules are made with. */
export interface Scene {
  readonly timeline: Timeline;
  readonly journal: Journal;
  readonly settings: Settings;
  readonly observers: Observers;
  readonly around: Circumstances;
  /** the link that the client has for its messages just now */
  carrier(): Link | undefined;
}

/** What a rule remembers of each link. */
export class PerLink<T> {
  private readonly values = new Map<Link, T>();

  constructor(private readonly begin: (link: Link) => T) {}

  of(link: Link): T {
    let value = this.values.get(link);
    if (value === undefined) this.values.set(link, (value = this.begin(link)));
    return value;
  }
}
