import { VirtualTimeScheduler, tap, timer, type Observable, type SchedulerLike } from 'rxjs';
import type { Clock } from '../../src/connection/clock';

/**
 * The virtual time of a run, ms. What happens in the client's process stands apart from what happens elsewhere, which goes on while
 * the process is held up; and the client's timers stand apart from all else in its process, so that they can be counted.
 */
export class Timeline {
  /** what the client is given for its time */
  readonly clock: Clock = {
    now: () => this.client.now(),
    schedule: (...timer: Parameters<SchedulerLike['schedule']>) => this.client.schedule(...timer),
    nextTick: (work) => process.nextTick(work),
    afterInput: (work) => void this.process.schedule(this.inProcess(work)),
  };
  /** the client's timers */
  readonly client = new VirtualTimeScheduler();
  /** The client was called since this was last reset, so that ticks and microtasks of its may be waiting. */
  touched = false;
  /** For how long the process was held up so far. */
  heldUp = 0;
  /** When that began the last time. */
  heldSince = 0;
  /** what the client's process is told by the system and by its user */
  private readonly process = new VirtualTimeScheduler();
  /** the server and the network */
  private readonly elsewhere = new VirtualTimeScheduler();

  now(): number {
    return this.elsewhere.frame;
  }

  /** Something happens at the server or on the way to it, so many ms from now. */
  after(delay: number, work: () => void): { unsubscribe(): void } {
    return this.elsewhere.schedule(work, delay);
  }

  /** Something happens in the process of the client, so many ms from now. */
  afterInProcess(delay: number, work: () => void): { unsubscribe(): void } {
    return this.process.schedule(work, delay);
  }

  /** The time of what its user does beside the client. */
  get user(): SchedulerLike {
    return this.process;
  }

  /** Its user does something beside the client for so long, ms, and then something with the client. */
  thought(duration: number): Observable<unknown> {
    return timer(duration, this.user).pipe(tap(() => (this.touched = true)));
  }

  /** How many timers the client has running. */
  get timers(): number {
    return this.client.actions.length;
  }

  /** When something is next due; Infinity for never. */
  get next(): number {
    return Math.min(due(this.client), due(this.process), due(this.elsewhere));
  }

  /** Does one thing that is due; what is overdue or due at the same time is done timers first, as Node does it. */
  step(): void {
    const time = Math.max(this.now(), this.next);
    const isDue = (queue: VirtualTimeScheduler) => due(queue) <= time;
    const queue = [this.client, this.process, this.elsewhere].find(isDue);
    if (queue === undefined) return;
    this.touched ||= queue === this.client;
    this.do(queue);
  }

  moveTo(time: number): void {
    if (time > this.now()) this.client.frame = this.process.frame = this.elsewhere.frame = time;
  }

  /** User code keeps the event loop busy: time goes on, and in the process nothing happens. */
  holdUp(duration: number): void {
    this.heldSince = this.now();
    const until = this.heldSince + duration;
    this.heldUp += duration;
    while (due(this.elsewhere) <= until) this.do(this.elsewhere);
    this.moveTo(until);
  }

  /** The client goes on, so that ticks and microtasks of its may be waiting. */
  private inProcess(work: () => void): () => void {
    return () => {
      this.touched = true;
      work();
    };
  }

  private do(queue: VirtualTimeScheduler): void {
    this.moveTo(due(queue));
    const action = queue.actions.shift()!;
    const thrown: unknown = action.execute(action.state, action.delay);
    if (thrown !== undefined) throw thrown as Error;
  }
}

function due({ actions }: VirtualTimeScheduler): number {
  return actions.length === 0 ? Infinity : actions[0]!.delay;
}
