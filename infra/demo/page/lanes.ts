/** Jobs that are done and still shown. */
const SHOWN = 12;

/** A job of the queue: its number, and the attempt that runs or was the last. */
export interface Tile {
  readonly number: number;
  readonly attempt: number;
}

export interface WorkerPicture {
  readonly isSlow: boolean;
  readonly tile: Tile | undefined;
  /** jobs that it has done */
  readonly done: number;
}

/** Where the jobs are, by what the queue has told. */
export interface LanesPicture {
  readonly waiting: readonly Tile[];
  /** those that have failed and are tried again later */
  readonly delayed: readonly Tile[];
  readonly workers: readonly WorkerPicture[];
  /** the last ones that are done, the newest first */
  readonly finished: readonly Tile[];
  readonly done: number;
  /** attempts that have failed */
  readonly failures: number;
}

/** A number is a worker. */
type Place = 'waiting' | 'delayed' | number;

/** Follows each job from lane to lane. */
export class Lanes {
  readonly #places = new Map<number, Tile & { readonly place: Place }>();
  readonly #done: number[];
  #finished: readonly Tile[] = [];
  #failures = 0;

  constructor(workers: number) {
    this.#done = Array<number>(workers).fill(0);
  }

  /** The server has answered the push: a worker may have the job already. */
  pushed(number: number): void {
    const isKnown = this.#places.has(number) || this.#finished.some((tile) => tile.number === number);
    if (!isKnown) this.#put(number, 'waiting', 0);
  }

  taken(number: number, worker: number, attempt: number): void {
    this.#put(number, worker, attempt);
  }

  done(number: number, worker: number, attempt: number): void {
    this.#places.delete(number);
    this.#finished = [{ number, attempt }, ...this.#finished].slice(0, SHOWN);
    this.#done[worker] = (this.#done[worker] ?? 0) + 1;
  }

  failed(number: number, attempt: number): void {
    this.#failures++;
    this.#put(number, 'delayed', attempt);
  }

  /** Its attempts are over. */
  dead(number: number): void {
    this.#failures++;
    this.#places.delete(number);
  }

  /** A worker has lost it, so that another may take it: unless one has already. */
  lost(number: number, worker: number, attempt: number): void {
    if (this.#places.get(number)?.place === worker) this.#put(number, 'waiting', attempt);
  }

  picture(isSlow: (worker: number) => boolean): LanesPicture {
    const at = (place: Place): readonly Tile[] =>
      [...this.#places.values()]
        .filter((tile) => tile.place === place)
        .map(({ number, attempt }) => ({ number, attempt }));
    return {
      waiting: at('waiting'),
      delayed: at('delayed'),
      workers: this.#done.map((done, worker) => ({ isSlow: isSlow(worker), tile: at(worker)[0], done })),
      finished: this.#finished,
      done: this.#done.reduce((sum, done) => sum + done, 0),
      failures: this.#failures,
    };
  }

  #put(number: number, place: Place, attempt: number): void {
    // Behind those that are there already.
    this.#places.delete(number);
    this.#places.set(number, { number, attempt, place });
  }
}
