import * as c from 'rxjs-redis/commands';
import { SESSION, STREAMED } from '../../../gen/emit/surface';
import { refuseOnSharedConnection } from '../../../src/commands/shared-connection';

describe('a connection that others use too', () => {
  it.each([...SESSION, ...STREAMED])(
    'refuses %s, which the generator keeps off its surface, and names what to use',
    (name) => {
      expect(() => refuseOnSharedConnection({ name })).toThrow(/: use /);
    },
  );

  it('may be changed by what is remembered and repeated, and used by everything else', () => {
    for (const { spec } of [c.select(1), c.auth('x'), c.clientSetname('x'), c.get('k'), c.call('constructor')]) {
      expect(() => refuseOnSharedConnection(spec)).not.toThrow();
    }
  });
});
