/** What a timer of the platform can wait, ms. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** @throws TypeError unless it is a number of milliseconds that a timer can wait */
export function duration(where: string, option: string, given: unknown): void {
  if (typeof given === 'number' && given >= 1 && given <= LONGEST_TIMER) return;
  throw new TypeError(
    `${where}: the option '${option}' is a number of milliseconds from 1 to ${LONGEST_TIMER}, got ${shown(given)}`,
  );
}

/** @throws TypeError unless it is a text */
export function text(where: string, option: string, given: unknown, orElse = ''): asserts given is string {
  if (typeof given === 'string' && given !== '') return;
  throw new TypeError(`${where}: the option '${option}' is a string that is not empty${orElse}, got ${shown(given)}`);
}

/** @throws TypeError that names an option that there is not */
export function onlyKnown(where: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`${where}: options were expected, got ${shown(given)}`);
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`${where}: there is no option '${unknown}'; known are ${known.join(', ')}`);
  }
}

/** @throws TypeError unless it looks like a client */
export function aClient(where: string, given: unknown): void {
  if (typeof (given as { ping?: unknown } | null | undefined)?.ping === 'function') return;
  throw new TypeError(`${where}: a client was expected, as @InjectRedis() gives, got ${shown(given)}`);
}

/** What was given, for a message: no text, because it could be a secret. */
function shown(given: unknown): string {
  if (typeof given === 'number') return String(given);
  if (given === '') return 'an empty one';
  return given === null ? 'null' : typeof given;
}
