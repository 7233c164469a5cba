import { DisconnectedError, ReplyError, type Delivery } from '../../../src/errors';
import { isOutage } from '../../../src/streams/outage';

const CAUSE = new ReplyError("READONLY You can't write against a read only replica.", 'READONLY');

describe('An outage', () => {
  it.each<[Delivery, Error | undefined, boolean]>([
    ['unknown', CAUSE, true],
    ['answered', CAUSE, true],
    ['unknown', undefined, false],
    ['answered', undefined, false],
    ['unsent', CAUSE, false],
  ])('is what costs a wait its connection, and no end of the client: %s, %p', (delivery, cause, expected) => {
    const error = new DisconnectedError('XREADGROUP is not sent again', { delivery, cause, repeatable: false });
    expect(isOutage(error)).toBe(expected);
  });

  it.each<[string, string[], boolean]>([
    ['EXECABORT Transaction discarded because of: LOADING Redis is loading the dataset in memory', [], true],
    ['EXECABORT Transaction discarded because of previous errors.', ['TRYAGAIN'], true],
    ['EXECABORT Transaction discarded because of previous errors.', ['TRYAGAIN', 'NOPERM'], false],
    ['EXECABORT Transaction discarded because of previous errors.', [], false],
  ])('is a transaction of which all that was refused passes: %s %p', (message, kinds, expected) => {
    const causes = kinds.map((kind, index) => ({ index, command: 'XREAD', error: new ReplyError(kind, kind) }));
    expect(isOutage(new ReplyError(message, 'EXECABORT', { causes, repeatable: false }))).toBe(expected);
  });
});
