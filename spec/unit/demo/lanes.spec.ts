import { Lanes } from '../../../infra/demo/page/lanes';

describe('the lanes of the queue', () => {
  const swift = () => false;
  let lanes: Lanes;
  beforeEach(() => {
    lanes = new Lanes(2);
  });

  it('have each job in one place, behind those that came before', () => {
    for (const number of [1, 2, 3]) lanes.pushed(number);
    lanes.taken(1, 1, 1);
    lanes.failed(1, 1);
    lanes.taken(2, 0, 1);
    expect(lanes.picture(swift)).toEqual({
      waiting: [{ number: 3, attempt: 0 }],
      delayed: [{ number: 1, attempt: 1 }],
      workers: [
        { isSlow: false, tile: { number: 2, attempt: 1 }, done: 0 },
        { isSlow: false, tile: undefined, done: 0 },
      ],
      finished: [],
      done: 0,
      failures: 1,
    });
  });

  it('leave a job where it is when the answer to its push comes behind its worker, or its end', () => {
    lanes.taken(1, 0, 1);
    lanes.pushed(1);
    expect(lanes.picture(swift)).toMatchObject({ waiting: [], workers: [{ tile: { number: 1 } }, {}] });
    lanes.done(1, 0, 1);
    lanes.pushed(1);
    expect(lanes.picture(swift)).toMatchObject({ waiting: [], finished: [{ number: 1 }], done: 1 });
  });

  it('have a lost job wait again, unless another worker has it', () => {
    lanes.taken(1, 0, 1);
    lanes.lost(1, 0, 1);
    expect(lanes.picture(swift).waiting).toEqual([{ number: 1, attempt: 1 }]);
    lanes.taken(1, 1, 2);
    lanes.lost(1, 0, 1);
    expect(lanes.picture(swift)).toMatchObject({ waiting: [], workers: [{}, { tile: { number: 1, attempt: 2 } }] });
  });

  it('count a job that is dead among the failures, and show it no more', () => {
    lanes.taken(1, 0, 3);
    lanes.dead(1);
    expect(lanes.picture(swift)).toMatchObject({ waiting: [], delayed: [], finished: [], failures: 1 });
  });

  it('keep the last twelve that are done, and count all', () => {
    for (let number = 1; number <= 20; number++) lanes.done(number, number % 2, 1);
    const { finished, done, workers } = lanes.picture((worker) => worker === 1);
    expect(finished.map(({ number }) => number)).toEqual([20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9]);
    expect(done).toBe(20);
    expect(workers).toEqual([
      { isSlow: false, tile: undefined, done: 10 },
      { isSlow: true, tile: undefined, done: 10 },
    ]);
  });
});
