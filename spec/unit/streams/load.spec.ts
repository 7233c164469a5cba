import { Observable, defer, of, throwError } from 'rxjs';
import { append, get, incr, set } from 'rxjs-redis/commands';
import type { Command } from '../../../src/commands/command';
import { Ending } from '../../../src/demand/ending';
import { ConnectionError, DisconnectedError, ReplyError, TimeoutError, type Delivery } from '../../../src/errors';
import { load, type LoadParts } from '../../../src/streams/load';
import type { LoadProgress } from '../../../src/streams/load-options';
import { record } from '../../support/clients';
import { VirtualClock } from '../../support/virtual-clock';

type Lost = typeof ConnectionError | typeof TimeoutError;

const OK = 'OK';
const loading = new ReplyError('LOADING', 'LOADING', { repeatable: true });
const wrongType = new ReplyError('WRONGTYPE', 'WRONGTYPE');

/** A connection that answers one pipeline after the other as it is told. */
function scripted(answers: readonly ((commands: readonly Command[]) => Observable<readonly unknown[]>)[]) {
  const clock = new VirtualClock();
  const sent: string[][] = [];
  const send: LoadParts['send'] = (commands) =>
    defer(() => {
      sent.push(commands.map(({ spec, args }) => [spec.name, ...args].join(' ')));
      return answers[sent.length - 1]!(commands);
    });
  const parts: LoadParts = { send, checked: (given) => given as Command, ending: new Ending(), clock };
  return { parts, sent, clock };
}

const values =
  (...all: readonly unknown[]) =>
  () =>
    of(all);
const lost =
  (results: readonly unknown[], deliveries: readonly Delivery[], Kind: Lost = ConnectionError) =>
  () =>
    throwError(() => new Kind('lost', { delivery: 'unknown', repeatable: false, group: { results, deliveries } }));

function last({ values: all }: { readonly values: readonly LoadProgress<unknown>[] }) {
  const { done, failed, failures, isComplete } = all.at(-1)!;
  return { done, failed, failures: failures.map(({ item, error }) => [item, (error as Error).message]), isComplete };
}

describe('What a bulk write sends once more', () => {
  it('is what was not sent, and what was lost and is the same twice; after a growing delay', () => {
    const { parts, sent, clock } = scripted([
      lost([OK], ['answered', 'unknown', 'unknown', 'unsent', 'unsent']),
      values(loading, OK, OK),
      values(OK),
    ]);
    const commands = [set('a', 1), set('b', 1), incr('c'), incr('d'), get('e')];
    const progress = record(load(parts, commands, (command) => command));
    expect(sent).toHaveLength(1);
    clock.advance(20);
    expect(sent[1]).toStrictEqual(['SET b 1', 'INCR d', 'GET e']);
    clock.advance(39);
    expect(sent).toHaveLength(2);
    clock.advance(1);
    expect(sent[2]).toStrictEqual(['SET b 1']);
    expect(last(progress)).toStrictEqual({ done: 4, failed: 1, failures: [[commands[2], 'lost']], isComplete: true });
  });

  it('is an item from the command on that did not run, where those behind it are the same twice', () => {
    const { parts, sent, clock } = scripted([values(OK, loading, OK, loading, 1), values(OK, OK)]);
    const items = [
      [set('a', 1), set('b', 1), set('c', 1)],
      [set('d', 1), append('e', 'x')],
    ];
    const progress = record(load(parts, items, (item) => item));
    clock.advance(20);
    expect(sent[1]).toStrictEqual(['SET b 1', 'SET c 1']);
    expect(last(progress)).toStrictEqual({ done: 1, failed: 1, failures: [[items[1], 'LOADING']], isComplete: true });
  });

  it('is no item that failed for another reason', () => {
    const { parts, sent, clock } = scripted([values(loading, wrongType)]);
    const progress = record(load(parts, ['x'], () => [set('a', 1), append('b', 'x')]));
    clock.advance(1_000);
    expect(sent).toHaveLength(1);
    expect(last(progress)).toStrictEqual({ done: 0, failed: 1, failures: [['x', 'WRONGTYPE']], isComplete: true });
  });

  it.each([ConnectionError, TimeoutError])('is nothing that cost three connections: %p', (kind) => {
    const again = lost([], ['unknown'], kind);
    const { parts, sent, clock } = scripted([again, again, again]);
    const progress = record(load(parts, ['x'], () => get('large')));
    for (let n = 0; n < 10; n++) clock.advance(1_000);
    expect(sent).toHaveLength(3);
    expect(last(progress)).toMatchObject({ done: 0, failed: 1, isComplete: true });
  });

  it('is what found no room in the queue of the client, and no delay is longer than a second', () => {
    const full = () => throwError(() => new DisconnectedError('full', { repeatable: true }));
    const { parts, sent, clock } = scripted([...Array.from({ length: 10 }, () => full), values(OK)]);
    const progress = record(load(parts, ['x'], () => set('a', 1)));
    for (const delay of [20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000, 1_000]) {
      const before = sent.length;
      clock.advance(delay - 1);
      expect(sent).toHaveLength(before);
      clock.advance(1);
      expect(sent).toHaveLength(before + 1);
    }
    expect(last(progress)).toMatchObject({ done: 1, failed: 0, isComplete: true });
  });

  it('is nothing once the client has given up: what is on its way is waited for, then it errors', () => {
    const end = new DisconnectedError('the client gave up', { repeatable: false });
    let answer: (() => void) | undefined;
    const { parts, sent } = scripted([
      () =>
        new Observable((subscriber) => {
          answer = () => {
            subscriber.next([OK]);
            subscriber.complete();
          };
        }),
      () => throwError(() => end),
    ]);
    const progress = record(load(parts, [1, 2, 3], () => set('a', 1), { batch: 1, concurrency: 2 }));
    expect([sent.length, progress.ended]).toStrictEqual([2, undefined]);
    answer!();
    expect(sent).toHaveLength(2);
    expect([last(progress), progress.ended]).toStrictEqual([
      { done: 1, failed: 0, failures: [], isComplete: false },
      end,
    ]);
  });
});
