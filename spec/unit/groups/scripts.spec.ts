import type * as Crypto from 'node:crypto';
import { Redis } from 'rxjs-redis';
import { ScriptRegistry } from '../../../src/groups/scripts';

describe('A script', () => {
  afterEach(() => jest.restoreAllMocks());

  it('has its SHA-1 worked out once, however often it is made and called, and not before it is called', async () => {
    const hashing = jest.spyOn(jest.requireActual<typeof Crypto>('node:crypto'), 'createHash');
    const redis = new Redis();
    const lua = 'return ARGV[1]';
    const scripts = [redis.script(lua), redis.script(lua, { keys: 0, reply: 'string' }), redis.bytes.script(lua)];
    expect(hashing).not.toHaveBeenCalled();
    const names = scripts.flatMap((script) => [1, 2, 3].map((n) => script.command([], [n]).args[0]));
    expect(new Set(names).size).toBe(1);
    expect(hashing).toHaveBeenCalledTimes(1);
    await redis.close();
  });

  it('is remembered until a thousand others were made since it was made last', () => {
    const registry = new ScriptRegistry();
    const [first, second] = [registry.scriptOf('return 1'), registry.scriptOf('return 2')];
    for (let n = 3; n <= 1_000; n++) registry.scriptOf(`return ${n}`);
    expect([registry.scriptOf('return 1') === first, registry.all.length]).toStrictEqual([true, 1_000]);
    registry.scriptOf('return 1001');
    expect(registry.all).toHaveLength(1_000);
    expect(registry.all.slice(-2).map(({ text }) => text)).toStrictEqual(['return 1', 'return 1001']);
    expect(registry.all).not.toContain(second);
    expect(registry.scriptOf('return 1')).toBe(first);
  });
});
