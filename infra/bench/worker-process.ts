import { fork, type ChildProcess } from 'node:child_process';
import { clients } from './clients';
import type { Assignment, Job, Metrics, Profile, WorkerMessage } from './jobs/job';

/** How long a worker may be silent; ms. */
const SILENCE = 60_000;

/** What Node.js is started with for some jobs: the heap is looked at, and no collection may come in between. */
const FLAGS: Partial<Record<Job['kind'], readonly string[]>> = {
  pending: ['--expose-gc'],
  allocation: ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=256'],
};

/** Where the bundled worker lies and what its environment says. */
export interface Workshop {
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
  /** the program that is Bun, where clients that run on it are measured */
  readonly bun: string | undefined;
}

/** The parent's end of a worker process. */
export class WorkerProcess {
  private readonly messages: WorkerMessage[] = [];
  private wake: () => void = () => undefined;
  private ended: string | undefined;
  private errors = '';

  private constructor(private readonly child: ChildProcess) {
    child.stderr?.on('data', (chunk: Buffer) => (this.errors = (this.errors + chunk.toString()).slice(-2000)));
    child.on('message', (message: WorkerMessage) => {
      this.messages.push(message);
      this.wake();
    });
    child.on('close', (code, signal) => {
      this.ended = `the worker ended with ${signal ?? `code ${code}`}: ${this.errors.trim()}`;
      this.wake();
    });
  }

  static start({ script, env, bun }: Workshop, assignment: Assignment): WorkerProcess {
    const { client, job } = assignment;
    const child = fork(script, [JSON.stringify(assignment)], {
      env,
      // Not tsx: a worker is what a user's process would be.
      execArgv: [...(FLAGS[job.kind] ?? [])],
      ...(clients[client].onBun === true && { execPath: bun! }),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    return new WorkerProcess(child);
  }

  /** Connected and warmed up. */
  async ready(): Promise<void> {
    const message = await this.next();
    if (message.type !== 'ready') throw new Error('the worker measured before it was told to');
  }

  /** @throws Error with what the worker wrote to stderr when it ends or stays silent */
  async measured(): Promise<Metrics> {
    const message = await this.next();
    if (message.type !== 'measured') throw new Error('the worker said that it is ready, again');
    return message.metrics;
  }

  measure(): Promise<Metrics> {
    this.child.send('measure');
    return this.measured();
  }

  /** Measures once more, and tells where the time or the heap went. */
  profile(): Promise<Profile> {
    this.startProfile();
    return this.profiled();
  }

  /** What is measured from now on is looked at. One that does not measure when it is told to says that it is ready. */
  startProfile(): void {
    this.child.send('profile');
  }

  async profiled(): Promise<Profile> {
    const message = await this.next();
    if (message.type !== 'profiled') throw new Error('the worker has no profile');
    return message.profile;
  }

  /** Stops the whole process, as the system does: what comes for it waits in the server and the sockets. */
  pause(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  end(): void {
    this.child.kill('SIGKILL');
  }

  private async next(): Promise<WorkerMessage> {
    for (const end = Date.now() + SILENCE; ;) {
      const message = this.messages.shift();
      if (message !== undefined) return message;
      if (this.ended !== undefined) throw new Error(this.ended);
      if (Date.now() >= end) throw new Error(`the worker has been silent for ${SILENCE} ms: ${this.errors.trim()}`);
      await this.somethingHappens(end - Date.now());
    }
  }

  private somethingHappens(timeout: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeout);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
