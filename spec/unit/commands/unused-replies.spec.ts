import { Redis, type Reply } from 'rxjs-redis';
import type { ReplySource } from '../../../src/commands/reply';

const sourceOf = (reply: Reply<unknown>) => (reply as unknown as { surface: ReplySource }).surface;

describe('The watch over unused replies', () => {
  const register = jest.spyOn(FinalizationRegistry.prototype, 'register');
  afterAll(() => register.mockRestore());

  it('costs nothing where it is not asked for: all replies share one source, and none is registered', () => {
    for (const prefix of ['', 'p:']) {
      const redis = new Redis({ prefix });
      register.mockClear();
      expect(sourceOf(redis.get('a'))).toBe(sourceOf(redis.incr('b')));
      expect(register).not.toHaveBeenCalled();
    }
  });

  it('gives each reply a source of its own where it is asked for, also those of views', () => {
    const redis = new Redis({ warnUnused: true });
    register.mockClear();
    for (const surface of [redis, redis.bytes, redis.withOptions({ idempotent: true })]) {
      expect(sourceOf(surface.get('a'))).not.toBe(sourceOf(surface.get('a')));
    }
    expect(register).toHaveBeenCalledTimes(6);
  });
});
