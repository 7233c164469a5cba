import { defer, finalize, type Observable } from 'rxjs';

/** A timer or a socket of Node.js. */
interface Handle {
  ref(): unknown;
  unref(): unknown;
}

/** How long a process that has nothing else to do goes on for commands that wait, before they are looked at again; ms. */
const MOMENT = 20;

/** Those that do not keep the process alive, with what says whether a command waits. */
const unreferenced = new Map<ProcessReferences, () => boolean>();

/** The timers and sockets of one client, which keep the process alive or do not. */
//  unref ──▶ the event loop is empty ──nothing waits──▶ the process ends
//                     │                       ▲
//                     └──a command waits──▶ a moment ──a command waits──▶ …
export class ProcessReferences {
  /** Whether each one would keep the process alive by itself. */
  private readonly handles = new Map<Handle, boolean>();
  /** How much is waited for that is no command. */
  private awaited = 0;

  /** @param later does work after so many ms, for which it keeps the process alive */
  constructor(readonly later: (work: () => void, delay: number) => void) {}

  set(handle: Handle, keeps: boolean): void {
    const before = this.handles.get(handle);
    this.handles.set(handle, keeps);
    if (!keeps || unreferenced.has(this)) handle.unref();
    else if (before === false) handle.ref();
  }

  delete(handle: Handle | undefined): void {
    if (handle !== undefined) this.handles.delete(handle);
  }

  ref(): void {
    if (!unreferenced.delete(this)) return;
    if (unreferenced.size === 0) process.off('beforeExit', goOn);
    for (const [handle, keeps] of this.handles) if (keeps) handle.ref();
  }

  /** @param waits whether a command waits: the process goes on as long as one does */
  unref(waits: () => boolean): void {
    if (unreferenced.size === 0) process.on('beforeExit', goOn);
    unreferenced.set(this, () => this.awaited > 0 || waits());
    for (const handle of this.handles.keys()) handle.unref();
  }

  /** The process goes on as long as this is subscribed to. */
  during<T>(source$: Observable<T>): Observable<T> {
    return defer(() => {
      this.awaited++;
      return source$.pipe(finalize(() => this.awaited--));
    });
  }
}

/** What a caller waits for that is no command. */
export function keptFor<T>(references: ProcessReferences | undefined, source$: Observable<T>): Observable<T> {
  return references?.during(source$) ?? source$;
}

/** The event loop is empty but for this: what would end the process is put off while a command waits. */
function goOn(): void {
  for (const [references, waits] of unreferenced) {
    if (!waits()) continue;
    references.later(goOn, MOMENT);
    return;
  }
}
