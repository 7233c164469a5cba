import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { NEVER, asyncScheduler, firstValueFrom, map, race, timer, type Subscription } from 'rxjs';
import { RedisPool, type ConnectionEvent, type ConnectionState } from '../index';
import type { ClientPlan } from './make-client';

/** Takes a client through the life of its application: connects it where that is wanted, logs its state, drains it at the end. */
export class ClientLifecycle implements OnModuleInit, OnApplicationShutdown {
  private readonly logger: Logger;
  private readonly logging: Subscription;
  private wasReady = false;
  /** The first attempt after a loss is worth a warning, the others are not. */
  private isWarned = false;
  /** The last error of a pool: what follows it says whether it is of a connection. */
  private lastError: Error | undefined;

  constructor(
    name: string,
    private readonly plan: ClientPlan,
  ) {
    this.logger = new Logger(`RedisModule(${name})`);
    const { client } = plan;
    if (client instanceof RedisPool) {
      this.logging = client.events$.subscribe((event) => this.logEvent(event));
      this.logging.add(client.stats$.subscribe({ complete: () => this.logClosed() }));
    } else {
      this.logging = client.state$.subscribe((state) => this.log(state));
    }
  }

  async onModuleInit(): Promise<void> {
    const { client, connect } = this.plan;
    if (!connect) return;
    try {
      await client.connect();
    } catch (error) {
      // Nest calls no hook after that: the client would go on trying, and keep the process.
      await client.destroy();
      this.logging.unsubscribe();
      throw error;
    }
  }

  /** Lets pending replies arrive, for so long as `closeTimeout` says. */
  async onApplicationShutdown(): Promise<void> {
    const { client, closeTimeout } = this.plan;
    // The limit is the one below, for a pool as well.
    const closed$ = client instanceof RedisPool ? client.close({ timeout: Infinity }) : client.close();
    const late$ = closeTimeout === Infinity ? NEVER : timer(closeTimeout, asyncScheduler);
    const end = await firstValueFrom(race(closed$.pipe(map(() => 'closed')), late$.pipe(map(() => 'late'))));
    if (end === 'late') {
      this.logger.warn(`Not drained within ${closeTimeout} ms: what is pending fails`);
      await client.destroy();
      this.logging.unsubscribe();
    }
  }

  private log(state: ConnectionState): void {
    switch (state.kind) {
      case 'idle':
      case 'connecting':
        return;
      case 'ready':
        this.logReady();
        return;
      case 'reconnecting':
        this.logLoss(state.error);
        return;
      case 'closed':
        if (state.error === undefined) this.logClosed();
        else this.logger.error(`Given up ${this.address}: ${state.error.message}`);
    }
  }

  /** Of a pool, whose connections come and go: the first, a loss, and the first that is there again. */
  private logEvent(event: ConnectionEvent): void {
    switch (event.type) {
      case 'connect':
        if (!this.wasReady || this.isWarned) this.logReady();
        return;
      case 'error':
        if (event.connection === 'commands') this.lastError = event.error;
        return;
      case 'reconnecting':
      case 'disconnect':
        if ('reason' in event && event.reason.endsWith('_by_user')) return;
        if (this.lastError !== undefined) this.logLoss(this.lastError);
        this.lastError = undefined;
        return;
      case 'watch':
    }
  }

  private get address(): string {
    return this.plan.client.toJSON().address;
  }

  private logReady(): void {
    this.logger.log(`${this.wasReady ? 'Connected again' : 'Connected'} to ${this.address}`);
    this.wasReady = true;
    this.isWarned = false;
  }

  private logLoss({ message }: Error): void {
    const lost = this.wasReady ? `Connection to ${this.address} lost` : `No connection to ${this.address}`;
    const line = `${lost}, it is made again: ${message}`;
    if (this.isWarned) this.logger.debug(line);
    else this.logger.warn(line);
    this.isWarned = true;
  }

  private logClosed(): void {
    this.logger.log(`Closed the connection to ${this.address}`);
  }
}
