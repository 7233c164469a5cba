import { from, isObservable, of, type Observable, type ObservableInput } from 'rxjs';
import { text } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import type { Credentials, CredentialsSource } from './redis-options';

/**
 * Where the credentials of a new connection come from.
 * @throws TypeError that says what is wrong, and never shows a value that was given
 */
export function credentialsOf(
  username: string | undefined,
  password: string | undefined,
  source: CredentialsSource | undefined,
): (() => Observable<unknown>) | undefined {
  text('username', username);
  text('password', password);
  if (source === undefined) {
    if (username !== undefined && password === undefined)
      throw new TypeError("The option 'username' needs a 'password'");
    return password === undefined ? undefined : () => of({ username, password });
  }
  if (typeof source !== 'function' && (typeof source !== 'object' || source === null)) {
    throw new TypeError(`The option 'credentials' is an object, an Observable or a function, got ${kindOf(source)}`);
  }
  if (isObservable(source)) return () => source;
  if (typeof source !== 'function') {
    checkCredentials(source);
    return () => of(source);
  }
  return () => {
    const provided: unknown = source();
    return typeof provided === 'object' && provided !== null && !('password' in provided)
      ? from(provided as ObservableInput<unknown>)
      : of(provided);
  };
}

/** @throws TypeError that says what is wrong with the credentials, and never shows them */
export function checkCredentials(given: unknown): asserts given is Credentials {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`The option 'credentials' gives an object with a 'password', got ${kindOf(given)}`);
  }
  const { username, password } = given as Partial<Record<keyof Credentials, unknown>>;
  if (typeof password !== 'string')
    throw new TypeError(`The option 'credentials' needs a 'password', a string, got ${kindOf(password)}`);
  if (username !== undefined && typeof username !== 'string') {
    throw new TypeError(`The 'username' of the option 'credentials' is a string, got ${kindOf(username)}`);
  }
}
