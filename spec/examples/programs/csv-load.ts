import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Redis } from 'rxjs-redis';
import { hset } from 'rxjs-redis/commands';

/**
 * Loads a file with a header, `id,name,…`, a hash for each row. It reads no faster than the server takes rows, so a file may be larger
 * than the memory. A row that is wrong is among the failures, with its error, and the others are loaded.
 * @returns emits how far it is; awaited, what became of it
 * @example
 * loadCsv(redis, 'users.csv', 'user:').subscribe(({ done, perSecond }) => console.log(done, perSecond));
 */
export function loadCsv(redis: Redis, file: string, prefix: string) {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
  let names: string[] | undefined;
  return redis.load(lines, (line: string) => {
    const values = line.split(',');
    if (names === undefined) {
      names = values;
      return [];
    }
    if (values.length !== names.length) throw new Error(`${names.length} values were expected, got ${values.length}`);
    return hset(`${prefix}${values[0]}`, Object.fromEntries(names.map((name, at) => [name, values[at]!])));
  });
}
