import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { defer, from, merge, Subject, type Observable } from 'rxjs';
import type { Note } from '../model/journal';
import { Clients } from './clients';
import { STAGE, type Stage } from './stage';

/** Entries that a new window is shown. */
const KEPT = 40;

/** A note, its number and when it was made, ms since the epoch. */
export interface PageEntry extends Note {
  readonly number: number;
  readonly at: number;
}

/** What has happened: on purpose, to the clients, and to the messages. */
@Injectable()
export class Journal implements OnApplicationShutdown {
  readonly #entry$ = new Subject<PageEntry>();
  readonly #writing;
  #count = 0;
  #recent: readonly PageEntry[] = [];

  constructor(@Inject(STAGE) { faults }: Stage, @Inject(Clients) clients: Clients) {
    this.#writing = merge(faults.notes$, clients.notes$).subscribe((note) => this.write(note));
  }

  /** The last entries, then each. */
  entries(): Observable<PageEntry> {
    return defer(() => merge(from(this.#recent), this.#entry$));
  }

  write(note: Note): void {
    const entry = { ...note, number: ++this.#count, at: Date.now() };
    this.#recent = [...this.#recent, entry].slice(-KEPT);
    this.#entry$.next(entry);
  }

  onApplicationShutdown(): void {
    this.#writing.unsubscribe();
  }
}
