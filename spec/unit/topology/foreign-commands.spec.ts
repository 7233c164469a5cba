import { call } from '../../../src/commands/call';
import type { Command } from '../../../src/commands/command';
import { Request } from '../../../src/commands/request';
import { plainContext } from '../../../src/commands/request-context';
import type { Frame } from '../../../src/resp/frames';
import { ForeignCommands } from '../../../src/topology/foreign-commands';

const KNOWN: Frame = [['mod.get', 2, [], 1, 1, 1]];

/** What is sent, and where it was found out that the keys stand. */
function sending(infos: Frame[]) {
  const sent: Command[] = [];
  let asked = 0;
  const foreign = new ForeignCommands({
    submit: ({ command }) => sent.push(command),
    submitAnywhere: (request) => {
      if (request.command.spec.name !== 'COMMAND INFO') sent.push(request.command);
      else request.settle(infos[asked++] ?? null);
    },
  });
  const observer = { closed: false, next: () => undefined, error: () => undefined, complete: () => undefined };
  const send = () =>
    foreign.submit(new Request(call('MOD.GET', 'k'), plainContext, { ...observer, add: () => undefined }));
  return { send, sent, asked: () => asked };
}

describe('commands that the facts do not have', () => {
  it('are asked for once where the server knows them', () => {
    const { send, sent, asked } = sending([KNOWN]);
    for (let n = 0; n < 3; n++) send();
    expect(asked()).toBe(1);
    expect(sent.map(({ keys }) => keys)).toEqual([1, 2, 3].map(() => [{ from: 0, to: 0, step: 1 }]));
  });

  it('are asked for again where it does not: a module may be loaded meanwhile, and names that nothing knows are not kept', () => {
    const { send, sent, asked } = sending([[null], KNOWN]);
    for (let n = 0; n < 3; n++) send();
    expect(asked()).toBe(2);
    expect(sent.map(({ keys }) => keys.length)).toEqual([0, 1, 1]);
  });
});
