/** Words that TypeScript does not allow as the name of a parameter, or that would hide something in a builder. */
const TAKEN = new Map([
  ['function', 'name'],
  ['default', 'fallback'],
  ['arguments', 'words'],
  ['spec', 'specification'],
  ['unixTimeSeconds', 'timestamp'],
  ['unixTimeMilliseconds', 'timestamp'],
]);

/** `min-idle-time` → `minIdleTime`. */
export function camelCase(name: string): string {
  const camel = name.replace(/[-_ ]+(\w)/g, (_, letter: string) => letter.toUpperCase());
  return TAKEN.get(camel) ?? camel;
}

/** `zrange` → `Zrange`. */
export function pascalCase(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** `CLIENT NO-EVICT` → `CLIENT_NO_EVICT`. */
export function constantCase(name: string): string {
  return name.replace(/\W/g, '_');
}

/** `key` → `keys`; `data` stays. */
export function plural(name: string): string {
  return name === 'data' || name.endsWith('s')
    ? name
    : name.endsWith('y') && !/[aeiou]y$/.test(name)
      ? `${name.slice(0, -1)}ies`
      : `${name}s`;
}
