import { Readable } from 'node:stream';
import type { Argument } from './arguments';

/** What `scanStream` and its like are told. */
export interface ScanStreamOptions {
  readonly match?: string | undefined;
  readonly count?: number | string | undefined;
  readonly type?: string | undefined;
  readonly noValues?: boolean | undefined;
}

/** Asks for a page: a cursor and options → the next cursor and what was found. */
type AskPage = (...args: readonly Argument[]) => Promise<unknown>;

/** The pages of a scan as a stream of Node.js. It asks for a page when it is read. */
export class ScanStream extends Readable {
  private cursor = '0';
  private hasBegun = false;
  private readonly words: readonly Argument[];

  /** @internal */
  constructor(
    private readonly ask: AskPage,
    { match, count, type, noValues = false }: ScanStreamOptions,
  ) {
    super({ objectMode: true });
    this.words = [
      ...(match === undefined ? [] : ['MATCH', match]),
      ...(type === undefined ? [] : ['TYPE', type]),
      ...(count === undefined ? [] : ['COUNT', count]),
      ...(noValues ? ['NOVALUES'] : []),
    ];
  }

  override _read(): void {
    if (this.hasBegun && this.cursor === '0') {
      this.push(null);
      return;
    }
    this.hasBegun = true;
    this.ask(this.cursor, ...this.words).then(
      (page) => {
        const [cursor, found] = page as [unknown, unknown];
        this.cursor = String(cursor);
        this.push(found);
      },
      (error: Error) => this.destroy(error),
    );
  }

  /** Reads no further page. */
  close(): void {
    this.cursor = '0';
    this.hasBegun = true;
  }
}
