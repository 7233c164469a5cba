import { models } from '../../../gen/generate';
import { STREAMED } from '../../../gen/emit/surface';
import { samplesOf } from '../../../gen/samples';
import { SessionSurface } from '../../../src/commands/generated/session';
import { Reply } from '../../../src/commands/reply';
import { plainContext } from '../../../src/commands/request-context';
import type { Command } from '../../../src/commands/command';

const sent: Command[] = [];

class Surface extends SessionSurface {
  protected send<T>(command: Command<T>): Reply<T> {
    sent.push(command);
    return Reply.from({ ...plainContext, executor: { submit: () => undefined } }, command);
  }

  protected sendAnswered<T>(command: Command<T>): Reply<T> {
    return Reply.answered(command);
  }
}

const untyped = new Surface() as unknown as Record<string, (...args: unknown[]) => unknown>;
const methods = models().filter(
  ({ facts, implementation }) => !STREAMED.includes(facts.name) && !implementation.some(({ rest }) => rest),
);

describe('a method', () => {
  it.each(methods.map((model) => [model.method, model] as const))(
    '%s refuses arguments that it does not have, and takes those that are undefined',
    (method, model) => {
      const [sample] = samplesOf(model);
      const args = [...(sample?.args ?? [])];
      const { implementation } = model;
      while (args.length < implementation.length) args.push(undefined);
      sent.length = 0;
      expect(() => untyped[method]?.(...args, 'more')).toThrow(TypeError);
      expect(() => untyped[method]?.(...args, undefined, 'more')).toThrow(
        new RegExp(
          `^${model.facts.name}: at most ${implementation.length} arguments? expected, got ${args.length + 2}$`,
        ),
      );
      expect(sent).toEqual([]);
      expect(untyped[method]?.(...args, undefined)).toBeInstanceOf(Reply);
    },
  );

  it('says how options are written where they are given as other clients take them', () => {
    expect(() => untyped['set']?.('k', 'v', 'EX', 10)).toThrow(
      'at most 3 arguments expected, got 4; options are one object: { EX: … }',
    );
  });
});
