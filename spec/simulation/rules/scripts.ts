import { shaOf } from '../job-desk';
import type { Link } from '../link';
import { isCall, lacksScript, type WireRequest } from '../wire';
import { PerLink, type Arrival, type Rule, type Scene } from './rule';

/** What a link has told of its scripts. */
class Told {
  /** by their SHA-1, whether the server has them */
  readonly has = new Map<string, boolean | undefined>();
  /** a call that is to tell it */
  first: WireRequest | undefined;
  /** the last calls that had the whole script in them */
  readonly whole = new Map<string, WireRequest>();
  /** the request before, where it has given a script to the server, so that it keeps it */
  before: WireRequest | undefined;
  /** the last requests that did, by the SHA-1 */
  readonly loads = new Map<string, WireRequest>();
  /** those that are found to be missing by what is being read: the reply may stand behind the one that had a call written */
  readonly found = new Set<string>();
}

/**
 * Until it is known whether the server of a link has a script, nothing is written behind the first call of it: so that keeps its place
 * when it is sent once more. Where the server lacks the script, the next call has the whole of it, and SCRIPT LOAD precedes that.
 */
export class ScriptRule implements Rule {
  private readonly told = new PerLink(() => new Told());

  constructor(private readonly scene: Scene) {}

  written(link: Link, request: WireRequest): void {
    const told = this.told.of(link);
    const { words } = request;
    if (told.first !== undefined)
      this.fail(request, 'was written behind the first call of a script, which was not answered');
    const { before } = told;
    told.before = words[0] === 'SCRIPT' ? request : undefined;
    if (!isCall(request)) return;
    const sha = scriptOf(request);
    if (words[0] === 'EVAL') {
      // What a client sends because it is closed is not sent once more, so the whole script goes with it.
      if (!this.scene.around.over()) {
        if (before === undefined || shaOf(before.words[2]!) !== sha)
          this.fail(request, 'was given to the server by EVAL alone, which drops it some time for others');
        if (told.has.get(sha) !== false)
          this.fail(request, 'had the whole script in it, which the server was not known to lack');
      }
      told.has.set(sha, true);
      told.whole.set(sha, request);
      if (before !== undefined) told.loads.set(sha, before);
      return;
    }
    if (told.has.get(sha) === false && !told.found.has(sha))
      this.fail(request, 'was sent by its SHA-1 although the server lacked the script');
    if (told.has.get(sha) === undefined) told.first = request;
  }

  arriving(link: Link, { answered }: Arrival): () => void {
    for (const wire of answered) if (isCall(wire)) this.note(link, wire);
    return () => this.told.of(link).found.clear();
  }

  private note(link: Link, wire: WireRequest): void {
    const told = this.told.of(link);
    if (wire === told.first) told.first = undefined;
    const sha = scriptOf(wire);
    const whole = told.whole.get(sha);
    // What was written before the whole of it tells nothing of now.
    const { requests } = link;
    if (whole !== undefined && requests.indexOf(wire) < requests.indexOf(whole)) return;
    if (wire === whole && isError(wire)) told.has.set(sha, isError(told.loads.get(sha)) ? undefined : true);
    else if (lacksScript(wire)) {
      told.has.set(sha, false);
      told.found.add(sha);
    } else if (told.has.get(sha) === undefined) told.has.set(sha, true);
  }

  private fail({ sent, words }: WireRequest, violation: string): void {
    if (sent !== undefined) sent.fail(violation);
    else this.scene.journal.fail(`${words[0]} ${violation}`);
  }
}

/** Whether the server has refused a request, or it was not sent. */
function isError(request: WireRequest | undefined): boolean {
  return request === undefined || 'error' in (request.answer ?? {});
}

function scriptOf({ words }: WireRequest): string {
  return words[0] === 'EVAL' ? shaOf(words[1]!) : words[1]!;
}
