import {
  EMPTY,
  catchError,
  concat,
  defer,
  filter,
  ignoreElements,
  map,
  mergeMap,
  of,
  throwError,
  type Observable,
} from 'rxjs';
import type { Command } from '../commands/command';
import { info } from '../commands/generated/builders';
import { Group } from '../commands/group';
import { applyPrefix } from '../commands/prefix';
import type { ValueSource } from '../demand/pulling';
import { ConnectionError, ReplyError } from '../errors';
import { kindOf } from '../resp/kind-of';
import type { RecentNames } from './recent-names';

/**
 * The links on which the pages of a scan travel. A cursor means something to the process alone that has given it: each has a hash seed of
 * its own, so that another one, after a restart or a failover, would leave out some elements.
 *
 * - `one`: it ends with the link.
 * - `successive`: `current()` tells one link from the next.
 * - `several`: each page may take another.
 */
export type Links =
  | { readonly kind: 'one' }
  | { readonly kind: 'successive'; readonly current: () => unknown }
  | { readonly kind: 'several' };

/** What the pages of a scan are asked for with. */
export interface Pager {
  readonly links: Links;
  /** the client's prefix, for the commands of a group */
  readonly prefix: string;
  ask<T>(command: Command<T>): Observable<T>;
}

/** The next cursor, and elements. */
export type Page<E> = readonly [cursor: string, elements: readonly E[]];

/** What a scan is of. */
export interface ScanFacts<E> {
  /** the method, for errors */
  readonly method: string;
  readonly pager: Pager;
  /** @param taken how many pages have come before */
  readonly pageAt: (cursor: string, taken: number) => Command<Page<E>>;
  /** what keeps elements from coming twice */
  readonly names: RecentNames | undefined;
  readonly nameOf: (element: E) => string | Uint8Array;
}

/** Where every scan begins, and what a server answers when it is through. */
const BEGINNING = '0';

/** One walk over the elements of a database, hash, set or sorted set. */
//  at the beginning ──▶ page ──▶ page ──▶ … ──▶ done
//      ▲                  │ on another link than the last: the page is asked for again, with INFO
//      └─ another server ─┘
export class Scan<E> implements ValueSource<readonly E[]> {
  isDone = false;
  private cursor = BEGINNING;
  private taken = 0;
  /** The link that the last page came on. */
  private link: unknown;
  /** Which process has given the cursor; or why that is not known. */
  private server: string | ReplyError | undefined;

  constructor(private readonly facts: ScanFacts<E>) {}

  /** Elements that have come; nothing where a page is empty, or has to be asked for again. */
  next(): Observable<readonly E[]> {
    return defer(() => this.page()).pipe(
      map((page) => this.take(page)),
      filter((elements) => elements.length > 0),
    );
  }

  private take([cursor, elements]: Page<E>): readonly E[] {
    this.cursor = cursor;
    this.taken++;
    this.isDone = cursor === BEGINNING;
    const { names, nameOf } = this.facts;
    return names === undefined ? elements : elements.filter((element) => names.isNew(nameOf(element)));
  }

  private page(): Observable<Page<E>> {
    const { links } = this.facts.pager;
    if (links.kind === 'one') return this.plain();
    if (links.kind === 'several') return this.verified();
    if (this.cursor === BEGINNING) return this.first(links.current);
    if (links.current() !== this.link) return this.verified();
    return this.plain().pipe(filter(() => links.current() === this.link));
  }

  /** Asks as well which server it is, unless this page is all. */
  private first(link: () => unknown): Observable<Page<E>> {
    return this.plain().pipe(
      mergeMap((page) => {
        this.link = link();
        return page[0] === BEGINNING ? of(page) : this.identified(page);
      }),
      filter(() => link() === this.link),
    );
  }

  private identified(page: Page<E>): Observable<Page<E>> {
    return this.facts.pager.ask(info('server')).pipe(
      catchError((error: unknown) => (error instanceof ReplyError ? of(error) : throwError(() => error))),
      map((answer) => {
        this.server = processOf(answer);
        return page;
      }),
    );
  }

  private asked(): Command<Page<E>> {
    return this.facts.pageAt(this.cursor, this.taken);
  }

  private plain(): Observable<Page<E>> {
    const { method, pager } = this.facts;
    return pager.ask(this.asked()).pipe(
      map((page) => {
        if (Array.isArray(page)) return page;
        throw new TypeError(`${method}: a page was expected, got ${kindOf(page)}: a scan does not work within MULTI`);
      }),
    );
  }

  /** The page together with what says which server it came from. When that is another one the scan begins anew. */
  private verified(): Observable<Page<E>> {
    const { pager } = this.facts;
    const page = applyPrefix(this.asked(), pager.prefix);
    return pager
      .ask(new Group([page, info('server')]))
      .pipe(mergeMap(([answered, server]) => this.judged(answered, server)));
  }

  private judged(page: unknown, answer: unknown): Observable<Page<E>> {
    if ([page, answer].some(isForTheMoment)) {
      // Alone, a command is repeated until its time is up; the group is not, for it was answered.
      return concat(
        this.plain().pipe(ignoreElements()),
        defer(() => this.verified()),
      );
    }
    if (page instanceof ReplyError) return throwError(() => page);
    const { links } = this.facts.pager;
    const server = processOf(answer);
    if (links.kind === 'successive') this.link = links.current();
    if (this.cursor === BEGINNING) {
      this.server = server;
    } else if (typeof this.server !== 'string' || typeof server !== 'string') {
      return throwError(() => this.unidentified(server));
    } else if (server !== this.server) {
      this.cursor = BEGINNING;
      return EMPTY;
    }
    return of(page as Page<E>);
  }

  private unidentified(server: string | ReplyError | undefined): ConnectionError {
    const { method, pager } = this.facts;
    const cause = [this.server, server].find((one) => one instanceof ReplyError);
    const why = cause === undefined ? 'its INFO has no run_id' : `INFO was refused: ${cause.message}`;
    const what =
      pager.links.kind === 'several'
        ? 'the pages came on several connections'
        : 'the connection was lost, and another one made';
    const message = `${method}: ${what}, and whether the server is still the same is not known, because ${why}`;
    const { name } = this.asked().spec;
    return new ConnectionError(message, { command: name, delivery: 'answered', repeatable: true, cause });
  }
}

function isForTheMoment(answer: unknown): boolean {
  return answer instanceof ReplyError && answer.repeatable;
}

/** What a process of a server is called in its INFO, which no other is; the error of a server that tells no INFO. */
function processOf(answer: unknown): string | ReplyError | undefined {
  if (answer instanceof ReplyError) return answer;
  return (answer as Partial<Record<string, Record<string, string>>>)['server']?.['run_id'];
}
