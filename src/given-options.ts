import { kindOf } from './resp/kind-of';

/**
 * What a constructor was given, a URL, options, or both, as options.
 * @param name of the class
 * @throws TypeError that says what was expected
 */
export function givenOptions<T extends { readonly url?: string | undefined }>(
  name: string,
  first: string | URL | T = {} as T,
  second?: T,
): T {
  const isUrl = typeof first === 'string' || first instanceof URL;
  if (!isUrl && !isOptions(first)) {
    throw new TypeError(`new ${name}: a URL or options were expected, got ${kindOf(first)}`);
  }
  if (second === undefined) return isUrl ? ({ url: String(first) } as T) : first;
  if (!isOptions(second)) {
    throw new TypeError(`new ${name}: options were expected beside the URL, got ${kindOf(second)}`);
  }
  // A URL of the options gives way to the one before them, and `new Redis(undefined, options)` has none.
  if (!isUrl && Object.keys(first).length > 0) {
    throw new TypeError(`new ${name}: options stand alone or behind a URL, not behind other options`);
  }
  return isUrl ? { ...second, url: String(first) } : second;
}

function isOptions(given: unknown): given is object {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}
