import { readArguments } from './run-arguments';

describe('The arguments of npm run simulate', () => {
  it('are 20 000 seeds from 1 where nothing is said', () => {
    expect(readArguments([])).toStrictEqual({ seeds: 20_000, from: 1, seconds: Infinity, all: false });
  });

  it('name the seeds and the time', () => {
    expect(readArguments(['--seeds', '7', '--from=0', '--seconds', '5', '--all'])).toStrictEqual({
      seeds: 7,
      from: 0,
      seconds: 5,
      all: true,
    });
  });

  it('leave only the time to end a run that has a limit of time and no number of seeds', () => {
    expect(readArguments(['--seconds', '5', '--from', '6']).seeds).toBe(2 ** 32 - 6);
  });

  it.each([
    ['--seeds', 'abc'],
    ['--seeds', '0'],
    ['--seeds', '1.5'],
    ['--seeds', ''],
    ['--seeds=-3'],
    ['--from', '1e3'],
    ['--from=-1'],
    ['--seconds', '0'],
    ['--seeds', '2', '--from', String(2 ** 32 - 1)],
    ['--seconds', '2', '--from', String(2 ** 32)],
    ['--seed', '4'],
    ['17'],
  ])('are refused in one line when they are %s %s %s %s', (...argv) => {
    const refused = () => readArguments(argv.filter((word) => typeof word === 'string'));
    expect(refused).toThrow(TypeError);
    expect(refused).not.toThrow(/\n/);
  });

  it('may reach the last seed', () => {
    expect(readArguments(['--seeds', '1', '--from', String(2 ** 32 - 1)]).from).toBe(2 ** 32 - 1);
  });
});
