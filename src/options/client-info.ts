import { isPlainObject } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import type { RedisOptions } from './redis-options';

const LIBRARY = 'rxjs-redis';

/**
 * The name of the library as the server is told it; undefined where it is not told.
 * @throws TypeError that names the option and what was expected
 */
export function libraryNameOf(given: RedisOptions['clientInfo'] = true): string | undefined {
  if (typeof given === 'boolean') return given ? LIBRARY : undefined;
  if (!isPlainObject(given)) {
    throw new TypeError(`The option 'clientInfo' is a boolean or an object, got ${kindOf(given)}`);
  }
  for (const key of Object.keys(given)) {
    if (key !== 'tag') throw new TypeError(`There is no option 'clientInfo.${key}'`);
  }
  const { tag }: { readonly tag?: unknown } = given;
  if (tag === undefined) return LIBRARY;
  if (typeof tag !== 'string') throw new TypeError(`The option 'clientInfo.tag' is a string, got ${kindOf(tag)}`);
  // A server refuses other characters, on every connection anew.
  if (!/^[!-~]+$/.test(tag)) {
    throw new TypeError("The option 'clientInfo.tag' holds printable ASCII characters alone, at least one, no spaces");
  }
  return `${LIBRARY}(${tag})`;
}
