import { mkdir, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isFree, type Place } from './port';
import { untilReady } from './ready';
import type { ServerProgram } from './rung';
import type { RunningServer } from './running-server';
import { serverArguments } from './server-arguments';
import type { ServerProcess } from './server-process';

/** A server that lingers so many ms after SIGTERM (a script runs; for a replica that lags it waits 10 s) is killed at a restart. */
const GRACE = 15_000;

/** A server of our own: one place, one set of arguments, any number of lives. */
export class RunningProgram implements RunningServer {
  readonly host = '127.0.0.1';
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly version: string;
  readonly from: ServerProgram['from'];
  /** Null while no server runs. */
  #life: ServerProcess | null = null;
  #output = (): string => '';

  constructor(
    private readonly program: ServerProgram,
    place: Place,
    private readonly args: readonly string[],
  ) {
    this.port = place.port;
    this.folder = place.folder;
    this.url = `redis://127.0.0.1:${place.port}`;
    this.version = program.version;
    this.from = program.from;
  }

  get pid(): number | undefined {
    return this.#life?.pid;
  }

  output(): string {
    return this.#output();
  }

  /** @throws Error when the port is taken or the server does not come up */
  async start(): Promise<void> {
    const args = serverArguments(this.port, this.folder, this.args);
    await mkdir(this.folder, { recursive: true });
    // Asked first, because a stranger on the port would answer the PING for a server that could not start.
    if (!(await isFree(this.port))) throw new Error(`port ${this.port} is already in use`);
    const life = await this.program.launch({ args, port: this.port, folder: this.folder });
    this.#life = life;
    this.#output = () => life.output();
    void life.exited.then(() => {
      if (this.#life === life) this.#life = null;
    });
    await untilReady(life, this.port);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    await life.signal(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await life.exited;
  }

  async restart(): Promise<void> {
    await this.#endGently();
    await this.start();
  }

  async stop(): Promise<void> {
    // What it would save is deleted with its folder; there is nothing to be gentle about.
    await this.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }

  async #endGently(): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    await life.signal('SIGTERM');
    // One that was halted by SIGSTOP must go on to notice.
    await life.signal('SIGCONT');
    const patience = new AbortController();
    const lingers = delay(GRACE, true, { signal: patience.signal }).catch(() => false);
    if (await Promise.race([life.exited.then(() => false), lingers])) await this.kill('SIGKILL');
    patience.abort();
  }
}
