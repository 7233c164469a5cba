import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import {
  EMPTY,
  NEVER,
  asyncScheduler,
  firstValueFrom,
  map,
  race,
  timer,
  type Observable,
  type Subscription,
} from 'rxjs';
import { RedisPool, type ConnectionState } from '../index';
import type { ClientPlan } from './make-client';

/** Takes a client through the life of its application: connects it where that is wanted, logs its state, drains it at the end. */
export class ClientLifecycle implements OnModuleInit, OnApplicationShutdown {
  private readonly logger: Logger;
  private readonly logging: Subscription;
  private wasReady = false;
  /** The first attempt after a loss is worth a warning, the others are not. */
  private isWarned = false;

  constructor(
    name: string,
    private readonly plan: ClientPlan,
  ) {
    this.logger = new Logger(`RedisModule(${name})`);
    const { client } = plan;
    const state$: Observable<ConnectionState> = client instanceof RedisPool ? EMPTY : client.state$;
    this.logging = state$.subscribe((state) => this.log(state));
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
    }
    this.logging.unsubscribe();
  }

  private log(state: ConnectionState): void {
    const { address } = this.plan.client.toJSON();
    switch (state.kind) {
      case 'idle':
      case 'connecting':
        return;
      case 'ready':
        this.logger.log(`${this.wasReady ? 'Connected again' : 'Connected'} to ${address}`);
        this.wasReady = true;
        this.isWarned = false;
        return;
      case 'reconnecting': {
        const lost = this.wasReady ? `Connection to ${address} lost` : `No connection to ${address}`;
        const line = `${lost}, it is made again: ${state.error.message}`;
        if (this.isWarned) this.logger.debug(line);
        else this.logger.warn(line);
        this.isWarned = true;
        return;
      }
      case 'closed':
        if (state.error === undefined) this.logger.log(`Closed the connection to ${address}`);
        else this.logger.error(`Given up ${address}: ${state.error.message}`);
    }
  }
}
