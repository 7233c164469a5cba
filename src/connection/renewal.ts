import { ConnectionError, type RedisError } from '../errors';

/** A link is left on purpose and the next one made at once: the server is there, so all commands may wait for that. */
export class Renewal extends ConnectionError {
  /** @param reason the reply that tells of the wrong server; undefined where the user wants another link */
  constructor(reason?: RedisError) {
    super(reason === undefined ? 'The user wants a new connection' : 'The connection is made anew', { cause: reason });
    this.name = 'ConnectionError';
  }

  get isUsers(): boolean {
    return this.cause === undefined;
  }
}

/** The user wants another link, and nothing has failed. */
export function isUsersWish(error: RedisError | undefined): boolean {
  return error instanceof Renewal && error.isUsers;
}
