import type { Command } from '../commands/command';
import { isGroup } from '../commands/group';
import { PassingObserver } from '../commands/passing-observer';
import type { ReplyObserver, Request } from '../commands/request';
import { runsScripts } from '../commands/runs-scripts';
import type { RedisError } from '../errors';
import { namesOf } from './names';

/** The names of keys that a command may write to; everything, where they are not known; or nothing. */
type Touched = readonly string[] | 'everything' | 'nothing';

/** With more members than this a group counts as one that may write everything: to look at each would block the event loop. */
const MOST_MEMBERS = 5_000;

/**
 * @param isShared whether it is sent on the connection whose replies are kept: there another database or user is another reply
 */
function touchedBy(command: Command, isShared: boolean): Touched {
  if (isGroup(command)) {
    const { commands } = command;
    if (commands.length > MOST_MEMBERS) return command.isRead ? 'nothing' : 'everything';
    const all = new Set<string>();
    for (const member of commands) {
      if (member.spec.replay === 'read') continue;
      const touched = touchedBy(command.sent(member), isShared);
      if (touched === 'everything') return touched;
      if (touched !== 'nothing') for (const name of touched) all.add(name);
    }
    return all.size === 0 ? 'nothing' : [...all];
  }
  const { spec } = command;
  // What was queued since MULTI runs with EXEC.
  if (spec.effect === 'exec') return 'everything';
  if (spec.effect !== undefined) return isShared && ANOTHER_VIEW.has(spec.effect) ? 'everything' : 'nothing';
  if (spec.replay === 'read') return 'nothing';
  if (command.keys.length > 0) return namesOf(command);
  return spec.access === 'write' || spec.foreign === true || runsScripts(spec) ? 'everything' : 'nothing';
}

const swaps = ({ spec }: Command): boolean => spec.name === 'SWAPDB';

/** Tells when databases have changed places, of which no server tells. */
export function noteSwap(request: Request, swapped: () => void): void {
  const { command } = request;
  if (isGroup(command) ? command.commands.some(swaps) : swaps(command))
    request.observeBy((observer) => new Writing(observer, swapped));
}

const ANOTHER_VIEW: ReadonlySet<string> = new Set(['database', 'user', 'reset']);

/**
 * The client's own writes that are under way: what they write to is out of the cache from their call to their reply, so that a caller that
 * writes and then reads sees what it wrote.
 */
export class OwnWrites {
  /** How many writes to each key are under way. */
  private readonly keys = new Map<string, number>();
  /** How many are, of which it is not known what they write to. */
  private unknown = 0;

  /** @param touched told of what is written to, when the write is called */
  constructor(
    private readonly touched: (name: string) => void,
    private readonly allTouched: () => void,
  ) {}

  /** How many keys are written to, for what the cache holds. */
  get size(): number {
    return this.keys.size + this.unknown;
  }

  /** Whether one of these keys is being written to. */
  concern(name: string, others: readonly string[]): boolean {
    if (this.unknown > 0) return true;
    const { keys } = this;
    return keys.size > 0 && (keys.has(name) || others.some((other) => keys.has(other)));
  }

  /** A command is about to be submitted that is no read of the cache. */
  note(request: Request, isShared: boolean): void {
    let touched: Touched;
    try {
      touched = touchedBy(request.command, isShared);
    } catch {
      touched = 'everything'; // the memory of a key was transferred before it was written
    }
    if (touched === 'nothing') return;
    const names = touched;
    this.begin(names);
    request.observeBy((observer) => new Writing(observer, () => this.end(names)));
  }

  private begin(names: readonly string[] | 'everything'): void {
    if (names === 'everything') {
      this.unknown++;
      this.allTouched();
      return;
    }
    const { keys } = this;
    for (const name of names) {
      keys.set(name, (keys.get(name) ?? 0) + 1);
      this.touched(name);
    }
  }

  private end(names: readonly string[] | 'everything'): void {
    if (names === 'everything') {
      this.unknown--;
      return;
    }
    const { keys } = this;
    for (const name of names) {
      const left = keys.get(name)! - 1;
      if (left === 0) keys.delete(name);
      else keys.set(name, left);
    }
  }
}

/** The observer of a write. The write is over before its caller is told, so that what the caller reads then may be kept again. */
class Writing<T> extends PassingObserver<T> {
  private isOver = false;

  constructor(
    observer: ReplyObserver<T>,
    private readonly over: () => void,
  ) {
    super(observer);
    // What its caller has left is not waited for: a later read is written behind it anyway.
    observer.add({ unsubscribe: () => this.end() });
  }

  override next(value: T): void {
    this.end();
    super.next(value);
  }

  override error(error: RedisError): void {
    this.end();
    super.error(error);
  }

  override complete(): void {
    this.end();
    super.complete();
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.over();
  }
}
