import type { Connection } from '../../../src/connection/connection';
import type { Executor } from '../../../src/commands/request-context';
import { Lease } from '../../../src/leases/lease';
import { LeastBusy, Shared } from '../../../src/leases/least-busy';
import { expectLinear } from '../../support/growth';

const executor: Executor = { submit: () => undefined };

/** A connection by what the choice looks at. */
function connection(pending = 0, { wasReady = true, isMisled = false } = {}) {
  return { wasReady, isMisled, line: { pending } };
}

type Looked = ReturnType<typeof connection>;

function choiceOf(connections: readonly Looked[]): LeastBusy {
  const choice = new LeastBusy();
  for (const one of connections)
    choice.add(new Shared(new Lease(one as unknown as Connection, () => undefined), executor));
  return choice;
}

const chosenBy = (choice: LeastBusy) => choice.choose()?.lease.connection as unknown as Looked | undefined;

describe('The least busy connection', () => {
  it('is that with the fewest commands pending', () => {
    const few = connection(1);
    expect(chosenBy(choiceOf([connection(3), few, connection(2)]))).toBe(few);
    expect(chosenBy(choiceOf([]))).toBeUndefined();
  });

  it('is one that is ready, wherever that stands among many that are not', () => {
    for (const at of [0, 50, 99]) {
      const connections = Array.from({ length: 100 }, () => connection(0, { wasReady: false }));
      const ready = (connections[at] = connection(1_000));
      expect(chosenBy(choiceOf(connections))).toBe(ready);
    }
  });

  it('is none that leads to the wrong server', () => {
    const right = connection(9);
    const misled = Array.from({ length: 40 }, () => connection(0, { isMisled: true }));
    expect(chosenBy(choiceOf([...misled, right]))).toBe(right);
    expect(chosenBy(choiceOf(misled))).toBeUndefined();
  });

  it('is none that was removed, and all others have their turns', () => {
    const connections = Array.from({ length: 50 }, () => connection());
    const choice = choiceOf(connections);
    const removed = new Set<unknown>();
    for (const one of [...choice].filter((_, n) => n % 3 === 0)) {
      choice.remove(one);
      choice.remove(one);
      removed.add(one.lease.connection);
    }
    expect(choice.size).toBe(33);
    for (let n = 0; n < 330; n++) chosenBy(choice)!.line.pending++;
    for (const one of connections) expect(one.line.pending).toBe(removed.has(one) ? 0 : 10);
  });

  it('is chosen, left and joined at a cost that does not grow with their number', () => {
    expectLinear((size) => {
      const choice = choiceOf(Array.from({ length: size }, () => connection()));
      return () => {
        for (let n = 0; n < size; n++) {
          const one = choice.choose()!;
          choice.remove(one);
          choice.add(one);
        }
      };
    }, 64);
  });
});
