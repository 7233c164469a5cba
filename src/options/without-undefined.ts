/** All of it given: `Required` would leave the undefined in. */
export type Complete<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };

/** What was given, and nothing that is undefined. */
export type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Options that are undefined are options that are not given. */
export function withoutUndefined<T extends object>(object: T): Given<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Given<T>;
}
