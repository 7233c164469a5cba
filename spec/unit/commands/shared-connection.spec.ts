import * as c from 'rxjs-redis/commands';
import { SESSION, STREAMED } from '../../../gen/emit/surface';
import { knownCommand } from '../../../src/commands/known-commands';
import { insteadOnShared } from '../../../src/commands/shared-connection';

describe('a connection that others use too', () => {
  it.each([...SESSION, ...STREAMED, 'PSYNC', 'SYNC'])(
    'may not be changed by %s, and something else is named',
    (name) => {
      const spec =
        knownCommand(name, [])?.spec ?? knownCommand(name.split(' ')[0] ?? '', name.split(' ').slice(1))?.spec;
      expect(spec && insteadOnShared(spec)).toMatch(/^(`|the |a server)/);
    },
  );

  it('may be changed by what is remembered and repeated, and used by everything else', () => {
    for (const command of [c.select(1), c.auth('x'), c.clientSetname('x'), c.get('k'), c.call('constructor')]) {
      expect(insteadOnShared(command.spec)).toBeUndefined();
    }
  });
});
