import { mkdir, rm } from 'node:fs/promises';
import { isFree, type Place } from './port';
import { untilReady } from './ready';
import type { ServerProgram } from './rung';
import { serverArguments } from './server-arguments';
import type { ServerProcess } from './server-process';
import type { RunningServer } from './running-server';

// down ──start──▶ starting ──PONG──▶ up ──kill, stop, crash──▶ down ──restart──▶ starting
//                     └──────exit──────────────────────────────▶┘
type State = { kind: 'down' } | { kind: 'up'; process: ServerProcess };

/** A server of our own: one place, one set of arguments, any number of lives. */
export class RunningProgram implements RunningServer {
  readonly host = '127.0.0.1';
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly version: string;
  readonly from: ServerProgram['from'];
  #state: State = { kind: 'down' };
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

  get pid(): number {
    // Absent in a container; the interface says so.
    return (this.#state.kind === 'up' ? this.#state.process.pid : undefined) as number;
  }

  output(): string {
    return this.#output();
  }

  async start(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    if (!(await isFree(this.port))) throw new Error(`port ${this.port} is already in use`);
    const args = serverArguments(this.port, this.folder, this.args);
    const process = await this.program.launch({ args, port: this.port, folder: this.folder });
    this.#output = () => process.output();
    this.#state = { kind: 'up', process };
    await untilReady(process, this.port);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#state.kind === 'down') return;
    const { process } = this.#state;
    await process.signal(signal);
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') return;
    await process.exited;
    this.#state = { kind: 'down' };
  }

  async restart(): Promise<void> {
    await this.kill('SIGTERM');
    await this.start();
  }

  async stop(): Promise<void> {
    await this.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}
