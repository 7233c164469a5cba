import { auth } from '../../../src/commands/generated/builders';
import { withoutSecrets } from '../../../src/commands/secrets';

describe('A secret of a command', () => {
  it.each<[text: string, secret: string, shown: string]>([
    ['ERR pw', 'pw', 'ERR ***'],
    ["pw: no 'pw' for (pw)", 'pw', "***: no '***' for (***)"],
    ['ERR $& and a.b*c', 'a.b*c', 'ERR $& and ***'],
    [`ERR ${'long.'.repeat(20_000)}`, 'long.'.repeat(20_000), 'ERR ***'],
    ['ERR spwn, pw_ and pws', 'pw', 'ERR spwn, pw_ and pws'],
    ['xa a a', 'a a', 'xa ***'],
    ['a-a-a', 'a-a', '***-a'],
    ['ERR', '', 'ERR'],
  ])('stands in no text, and only words of their own are taken for it (%#)', (text, secret, shown) => {
    expect(withoutSecrets(text, auth('ann', secret))).toBe(shown);
  });
});
