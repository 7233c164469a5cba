import { BehaviorSubject, timer, type SchedulerLike } from 'rxjs';
import { call } from '../../src/commands/call';
import type { Command } from '../../src/commands/command';
import { plainContext } from '../../src/commands/request';
import { Connection, type ConnectionParts } from '../../src/connection/connection';
import { retryPolicy } from '../../src/connection/retry';
import type { RedisError } from '../../src/errors';
import { resolveOptions, type RedisOptions } from '../../src/options';
import { PubSub } from '../../src/pubsub/pubsub';
import { RedisView } from '../../src/redis-view';
import type { RetryChoice, Settings } from './plan';
import { CLIENT_NAME, type Expectations } from './server';
import type { UserErrors } from './user-errors';

/** Where a client dials, and whose time it keeps: all of it that is not the real one. */
export interface Stage {
  readonly clock: SchedulerLike;
  readonly userErrors: UserErrors;
  dial(connection: () => Connection | undefined): NonNullable<ConnectionParts['dial']>;
  /** a connection was made, the client's own or the one that RESP2 needs for messages */
  made(connection: Connection): void;
  /** user code is asked whether a command is to be sent again */
  asked(choice: RetryChoice, command: Command, error: RedisError, attempt: number): number | false;
}

/** The real client, put together as `Redis` does, on a stage of its own. */
export class SimulatedClient {
  readonly connection: Connection;
  readonly pubsub: PubSub;
  readonly view: RedisView;
  private rotations = 0;
  private readonly credentials = new BehaviorSubject({ password: 'secret0' });

  constructor(
    settings: Settings,
    private readonly stage: Stage,
  ) {
    const options = resolveOptions(this.optionsOf(settings));
    const make = (
      parts: Pick<ConnectionParts, 'arraysArePushes' | 'session'>,
      protocol = options.protocol,
    ): Connection => {
      let self: Connection | undefined = undefined;
      const dial = stage.dial(() => self);
      self = new Connection({ ...options, protocol }, { ...parts, dial, clock: stage.clock });
      stage.made(self);
      return self;
    };
    this.connection = make({});
    const { session } = this.connection;
    this.pubsub = new PubSub(this.connection, () => make({ arraysArePushes: true, session }, 2));
    const { prefix, commandTimeout, retry } = options;
    const context = { ...plainContext, prefix, commandTimeout, retry: retryPolicy(retry) };
    this.view = new RedisView({ ...context, executor: this.connection }, this.pubsub);
  }

  get password(): string {
    return this.credentials.value.password;
  }

  /** The credentials change. */
  rotate(wrongly: boolean): void {
    if (wrongly) this.credentials.next({ password: `wrong${this.password}` });
    this.credentials.next({ password: `secret${++this.rotations}` });
  }

  retryOption(choice: RetryChoice): NonNullable<RedisOptions['retry']> {
    switch (choice) {
      case 'default':
        return { jitter: 0 };
      case 'off':
        return false;
      case 'twice':
        return { maxAttempts: 2, initialDelay: 20, jitter: 0 };
      default:
        return (attempt, error, command) => this.stage.asked(choice, command, error, attempt);
    }
  }

  private optionsOf(settings: Settings): RedisOptions {
    const { protocol, autoPipeline, pipelineDepth, writeBufferSize, offlineQueue, database } = settings;
    const { commandTimeout, readTimeout, writeTimeout, connectTimeout, blockingGrace } = settings;
    const { clientName, onConnect } = expectationsOf(settings);
    return {
      ...{ protocol, autoPipeline, pipelineDepth, writeBufferSize, offlineQueue, database },
      ...{ commandTimeout, readTimeout, writeTimeout, connectTimeout, blockingGrace },
      ...(settings.password && { credentials: this.credentials }),
      ...(clientName !== undefined && { clientName }),
      ...(settings.reconnectOnError !== 'default' && { reconnectOnError: this.reactionTo(settings.reconnectOnError) }),
      ...(onConnect && { onConnect: [call('X.PREPARE')] }),
      reconnect: this.reconnectOption(settings.reconnect),
      retry: this.retryOption(settings.retry),
    };
  }

  private reactionTo(choice: 'masterdown' | 'throwing'): NonNullable<RedisOptions['reconnectOnError']> {
    return ({ kind }) => {
      if (choice === 'throwing' && kind === 'OOM') this.stage.userErrors.throw();
      return kind === 'READONLY' ? 'resend' : choice === 'masterdown' && kind === 'MASTERDOWN';
    };
  }

  private reconnectOption(choice: Settings['reconnect']): NonNullable<RedisOptions['reconnect']> {
    switch (choice) {
      case 'soon':
        return { initialDelay: 1, maxDelay: 50, jitter: 0 };
      case 'late':
        return { initialDelay: 40, maxDelay: 300, jitter: 0 };
      case 'thrice':
        return { initialDelay: 10, maxAttempts: 3, jitter: 0 };
      case 'function':
        return (attempt) => Math.min(attempt, 5) * 7;
      case 'waiting':
        return (attempt) => timer(Math.min(attempt, 5) * 11, this.stage.clock);
      case 'off':
        return false;
    }
  }
}

/** What every connection has to be set up with. */
export function expectationsOf(settings: Settings): Expectations {
  const { database, password, onConnect } = settings;
  return { database, password, onConnect, clientName: settings.clientName ? CLIENT_NAME : undefined };
}
