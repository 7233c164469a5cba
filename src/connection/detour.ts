import type { Request } from '../commands/request';
import type { ReplyError } from '../errors';
import type { ErrorFrame } from '../resp/frames';

/** Numbers the calls of a client. Those of a cluster have one order, whichever node they go to. */
export class CallCounter {
  /** the place of the latest */
  last = 0;
}

/** Takes requests elsewhere: what a cluster does where a node does not serve them any more. A line without it keeps its requests. */
export interface Detour {
  /** of all nodes: a request that goes elsewhere keeps its place */
  readonly calls: CallCounter;
  /** The server is not to serve what `wants` takes, whether there is a link or not. */
  isAway(): boolean;
  /**
   * A request was refused.
   * @returns whether it is on its way elsewhere; otherwise the line repeats it, or it fails
   */
  redirects(request: Request, frame: ErrorFrame, error: ReplyError): boolean;
  /** There is no link. Says of each request that waits for one whether it goes elsewhere; the others stay. */
  wants(request: Request): boolean;
  /** Gets those requests, in the order of the calls. They have left the line. */
  take(requests: readonly Request[]): void;
}
