import { defer, finalize, type Observable } from 'rxjs';
import type { Command } from '../commands/command';
import { Reply } from '../commands/reply';
import { plainContext } from '../commands/request-context';
import type { Connection } from '../connection/connection';
import type { Control } from './unblocking';

/**
 * Sends what a pool itself has to say while commands wait at the server. All its connections may be in use by those, so it has one more,
 * which is made when it is first needed, and keeps neither a timer nor the process alive in between.
 */
export class OwnControl implements Control {
  private connection: Connection | undefined;

  constructor(
    private readonly make: () => Connection,
    private readonly commandTimeout: number,
  ) {}

  open(): void {
    // It is needed only once a command is to be ended.
  }

  ask<T>(command: Command<T>): Observable<T> {
    return defer(() => {
      const connection = this.usable();
      connection.wake();
      const context = { ...plainContext, executor: connection, commandTimeout: this.commandTimeout };
      return Reply.from(context, command).pipe(finalize(() => connection.clock.nextTick(() => connection.sleep())));
    });
  }

  send<T>(command: Command<T>): Observable<T> {
    return this.ask(command);
  }

  destroy(): void {
    this.connection?.destroy();
  }

  private usable(): Connection {
    const { connection } = this;
    if (connection !== undefined && !connection.closed && !connection.session.isOutdated) return connection;
    connection?.destroy();
    return (this.connection = this.make());
  }
}
