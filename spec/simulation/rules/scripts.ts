import type { Link } from '../link';
import { isCall, lacksScript, type WireRequest } from '../wire';
import { PerLink, type Arrival, type Rule } from './rule';

/** What a link has told of the script. */
class Told {
  has: boolean | undefined;
  /** a call that is to tell it */
  first: WireRequest | undefined;
  /** the last call that had the whole script in it */
  whole: WireRequest | undefined;
  /** the request before gave the script to the server, so that it keeps it */
  isLoaded = false;
}

/**
 * Until it is known whether the server of a link has a script, nothing is written behind the first call of it: so that keeps its place
 * when it is sent once more. Where the server lacks the script, the next call has the whole of it, and SCRIPT LOAD precedes that.
 */
export class ScriptRule implements Rule {
  private readonly told = new PerLink(() => new Told());

  written(link: Link, request: WireRequest): void {
    const told = this.told.of(link);
    const { sent, words } = request;
    if (told.first !== undefined) sent?.fail('was written behind the first call of a script, which was not answered');
    const { isLoaded } = told;
    told.isLoaded = words[0] === 'SCRIPT';
    if (!isCall(request)) return;
    if (words[0] === 'EVAL') {
      if (!isLoaded) sent?.fail('was given to the server by EVAL alone, which drops it some time for others');
      if (told.has !== false) sent?.fail('had the whole script in it, which the server was not known to lack');
      told.has = true;
      told.whole = request;
      return;
    }
    if (told.has === false) sent?.fail('was sent by its SHA-1 although the server lacked the script');
    if (told.has === undefined) told.first = request;
  }

  // What it brings is read before anything is written.
  arriving(link: Link, { answered }: Arrival): undefined {
    for (const wire of answered) if (isCall(wire)) this.note(link, wire);
  }

  private note(link: Link, wire: WireRequest): void {
    const told = this.told.of(link);
    if (wire === told.first) told.first = undefined;
    // What was written before the whole of it tells nothing of now.
    const { requests } = link;
    if (told.whole !== undefined && requests.indexOf(wire) < requests.indexOf(told.whole)) return;
    if (wire === told.whole && 'error' in (wire.answer ?? {})) told.has = undefined;
    else if (lacksScript(wire)) told.has = false;
    else told.has ??= true;
  }
}
