import type { Request } from '../commands/request';
import type { ReplyError } from '../errors';
import type { ErrorFrame } from '../resp/frames';

/** Takes requests elsewhere: what a cluster does where a node does not serve them any more. A line without it keeps its requests. */
export interface Detour {
  /**
   * A request was refused.
   * @returns whether it is on its way elsewhere; otherwise the line repeats it, or it fails
   */
  redirects(request: Request, frame: ErrorFrame, error: ReplyError): boolean;
  /** There is no link. Says of each request that waits for one whether it goes elsewhere; the others stay. */
  wants(request: Request): boolean;
  /** Gets those requests, in the order of the calls. They have left the line, and keep their places in it. */
  take(requests: readonly Request[]): void;
}
