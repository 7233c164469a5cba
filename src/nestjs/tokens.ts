import { Inject } from '@nestjs/common';

/** The name of a client that is given none. */
export const DEFAULT_NAME = 'default';

/**
 * The token under which Nest injects a client. It is a string, so that it is the same whether this package is required or imported.
 * @param name of the client, as `forRoot` was given it
 * @throws TypeError when the name is empty or no string
 * @example
 * Test.createTestingModule({ providers: [Visits, { provide: getRedisToken(), useValue: redis }] });
 */
export function getRedisToken(name: string = DEFAULT_NAME): string {
  return `rxjs-redis(${checkedName(name)})`;
}

/** The same for the client that only the modules of this package take. */
export function rootToken(name: string): string {
  return `${getRedisToken(name)}:root`;
}

/**
 * Injects the client of `RedisModule.forRoot`, or the one of that name.
 * @throws TypeError when the name is empty or no string
 * @example
 * class Visits {
 *   constructor(@InjectRedis() private readonly redis: Redis, @InjectRedis('cache') private readonly cache: Redis) {}
 * }
 */
export function InjectRedis(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getRedisToken(name));
}

/** @throws TypeError that says what a name is */
export function checkedName(name: unknown): string {
  if (typeof name === 'string' && name !== '') return name;
  throw new TypeError(`RedisModule: 'name' is a string that is not empty, got ${name === '' ? "''" : typeof name}`);
}
