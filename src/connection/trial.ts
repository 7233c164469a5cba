import type { Request } from '../commands/request';

/** So many are tried one by one; then twice as many are tried together each time … */
const ALONE = 16;
/** … but never more than this. */
const MOST = 256;

/**
 * How requests that were in flight when a link was lost are tried on the next one. The reply to one of them may be what breaks links;
 * finding it should cost few links, and the others little time. The first requests go one by one, the rest in windows that grow. A
 * window is written once all before it is answered. A request that was the oldest at a loss, or was lost twice, is the last of its
 * window. If the link is lost while such a request is the oldest in flight, it is the only one, so its reply is the reason.
 */
//  │ 1 │ 1 │ … │ 1 │ 2 │ 4 │ … │ 256 │ 256 │ …     what is written together; behind each window all is answered
export class Trial {
  /** How many were tried on this link, and how many of them in the window that is being written. */
  private tried = 0;
  private together = 0;

  /**
   * A request is about to be written that was in flight when a link was lost.
   * @param isLast the next in the queue was not
   * @returns whether nothing else is to be written until it is answered
   */
  closesWith({ past }: Request, isLast: boolean): boolean {
    const window = Math.min(MOST, Math.max(1, this.tried - this.together - ALONE + 2));
    this.tried++;
    this.together++;
    if (!isLast && !past!.suspected && this.together < window) return false;
    this.together = 0;
    return true;
  }
}
