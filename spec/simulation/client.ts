import { timer } from 'rxjs';
import { call } from '../../src/commands/call';
import type { Command } from '../../src/commands/command';
import type { Executor } from '../../src/commands/request-context';
import type { Clock } from '../../src/connection/clock';
import type { Connection } from '../../src/connection/connection';
import { stage as stageKey, type Holdings, type Lending, type Role } from '../../src/connection/stage';
import type { Dial } from '../../src/connection/socket';
import type { RedisError } from '../../src/errors';
import type { RedisOptions, TelemetryTracer } from '../../src/options';
import { Redis } from '../../src/redis';
import { CredentialsSource, type CredentialsManner } from './credentials';
import type { RetryChoice, Settings } from './plan';
import { CLIENT_NAME, type Expectations } from './server';
import type { UserErrors } from './user-errors';

/** Where a client dials, and whose time it keeps: all of it that is not the real one. */
export interface Stage {
  readonly clock: Clock;
  readonly userErrors: UserErrors;
  /** what the connection gets that asks for credentials just now */
  credentialsManner(): CredentialsManner | undefined;
  /** what it is greeted with just now cannot be told */
  onConnectThrows(): boolean;
  /** takes the place of the sockets of one connection */
  dial(connection: Connection): Dial;
  /** the connection of their own was made that messages need */
  madeForMessages(connection: Connection): void;
  /** a connection was made that is lent */
  lent(connection: Connection): void;
  /** sees what the client sends on the shared connection */
  readonly witness: Witness | undefined;
  /** makes the spans of a client that is traced */
  readonly tracer: TelemetryTracer;
  /** a policy destroys the client instead of deciding */
  destroy(): void;
  /** user code is asked whether a command is to be sent again */
  asked(choice: RetryChoice, command: Command, error: RedisError, attempt: number): number | false;
}

/** Sees what a run makes. */
export type Witness = (kind: 'request' | 'observer' | 'command' | 'reply' | 'topic', thing: object) => void;

/** What a client tells of its lent connections. */
export interface LeaseStats {
  readonly active: number;
  readonly waiting: number;
  readonly total: number;
}

/** The real client on a stage of its own, and what it shows to nobody but its simulation. */
export class SimulatedClient {
  readonly redis: Redis;
  connection!: Connection;
  /** The connection that it made last for its messages. */
  carrier: Connection | undefined;
  /** What keeps its subscriptions. */
  subscriptions!: Holdings;
  private lending: Lending | undefined;
  readonly credentials: CredentialsSource;

  constructor(
    settings: Settings,
    private readonly stage: Stage,
  ) {
    this.credentials = new CredentialsSource(stage.clock, settings.named ? 'default' : undefined, () =>
      stage.credentialsManner(),
    );
    const { clock } = stage;
    // Each connection is told as soon as it is made, so the last one that was made with parts is that of these parts.
    let latest: { connection: Connection | undefined };
    const own = {
      partsFor: () => {
        const made: typeof latest = { connection: undefined };
        latest = made;
        const dial: Dial = (endpoint, time) => stage.dial(made.connection!)(endpoint, time);
        return { dial, clock };
      },
      made: (connection: Connection, role: Role) => {
        latest.connection = connection;
        if (role === 'commands') this.connection = connection;
        else if (role === 'lease') stage.lent(connection);
        else stage.madeForMessages((this.carrier = connection));
      },
      ...(stage.witness !== undefined && { around: seenBy(stage.witness) }),
      subscribesBy: (subscriptions: Holdings) => (this.subscriptions = subscriptions),
      lendsBy: (lending: Lending) => (this.lending = lending),
    };
    this.redis = new Redis(Object.assign(this.optionsOf(settings), { [stageKey]: own }));
  }

  /** Of the connections that it lends; none were where nobody has wanted one. */
  get leaseStats(): LeaseStats {
    return this.lending?.stats ?? { active: 0, waiting: 0, total: 0 };
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
    const { protocol, autoPipeline, pipelineDepth, writeBufferSize, offlineQueue, database, verify } = settings;
    const { commandTimeout, readTimeout, writeTimeout, connectTimeout, blockingGrace } = settings;
    const { clientName, onConnect } = expectationsOf(settings);
    return {
      ...{ protocol, autoPipeline, pipelineDepth, writeBufferSize, offlineQueue, database, verify },
      ...{ commandTimeout, readTimeout, writeTimeout, connectTimeout, blockingGrace },
      ...(settings.password && { credentials: this.credentials.credentials$ }),
      ...(clientName !== undefined && { clientName }),
      ...(settings.reconnectOnError !== 'default' && { reconnectOnError: this.reactionTo(settings.reconnectOnError) }),
      ...(onConnect && { onConnect: () => this.prepare() }),
      leases: { max: settings.leaseMax, idleTimeout: settings.leaseIdle, acquireTimeout: settings.leaseWait },
      reconnect: this.reconnectOption(settings.reconnect),
      retry: this.retryOption(settings.retry),
      ...(settings.traced && { telemetry: { tracer: this.stage.tracer, meter: false } }),
    };
  }

  private prepare(): Command[] {
    if (this.stage.onConnectThrows()) throw new Error('thrown by onConnect');
    return [call('X.PREPARE')];
  }

  private reactionTo(choice: 'masterdown' | 'throwing' | 'destroying'): NonNullable<RedisOptions['reconnectOnError']> {
    return ({ kind }) => {
      if (choice === 'throwing' && kind === 'OOM') this.stage.userErrors.throw();
      if (choice === 'destroying' && kind === 'READONLY') this.stage.destroy();
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
      case 'destroying':
        return () => {
          this.stage.destroy();
          return 1;
        };
      case 'off':
        return false;
    }
  }
}

/** What every connection has to be set up with. */
export function expectationsOf(settings: Settings): Expectations {
  const { password, onConnect } = settings;
  return { password, onConnect, clientName: settings.clientName ? CLIENT_NAME : undefined };
}

function seenBy(witness: Witness): (executor: Executor) => Executor {
  return (executor) => ({
    submit: (request) => {
      witness('request', request);
      witness('command', request.command);
      request.observeBy((observer) => {
        witness('observer', observer);
        return observer;
      });
      executor.submit(request);
    },
  });
}
