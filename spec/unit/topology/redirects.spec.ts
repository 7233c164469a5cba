import { ErrorFrame } from '../../../src/resp/frames';
import { Refusal } from '../../../src/commands/reply-error';
import { ReplyError } from '../../../src/errors';
import { delayOfHop, verdictOf } from '../../../src/topology/redirects';
import { readView } from '../../../src/topology/slot-map';
import { mergeBy } from '../../../src/topology/parts';
import { slotOfCommand } from '../../../src/topology/slots-of';
import { isSplittable } from '../../../src/topology/splittable';
import { get, mget, mset, msetex, sinter, spublish } from '../../../src/commands';

const sameAddress = <T>(address: T): T => address;

describe('the refusal of a node', () => {
  it('names the slot and the address where it sends a command elsewhere', () => {
    expect(verdictOf(new ErrorFrame('MOVED 3999 127.0.0.1:6381'))).toEqual({
      kind: 'moved',
      slot: 3999,
      address: '127.0.0.1:6381',
    });
    expect(verdictOf(new ErrorFrame('ASK 1 ::1:21802'))).toMatchObject({ kind: 'ask', address: '::1:21802' });
    expect(verdictOf(new ErrorFrame('MOVED 1 :7000'))).toMatchObject({ address: ':7000' });
    expect(verdictOf(new ErrorFrame('TRYAGAIN Multiple keys request during rehashing of slot'))).toEqual({
      kind: 'split',
    });
    expect(verdictOf(new ErrorFrame('CLUSTERDOWN The cluster is down'))).toEqual({ kind: 'down' });
    expect(verdictOf(new ErrorFrame('ERR MOVED 1 a:1'))).toBeUndefined();
    expect(verdictOf(new ErrorFrame('MOVED to another house'))).toBeUndefined();
  });

  it('is that of the first command where a transaction was refused beforehand', () => {
    const error = new ReplyError('MOVED 7 127.0.0.1:1', 'MOVED');
    const frame = new Refusal('EXECABORT Transaction discarded', [{ index: 0, command: 'GET', error }]);
    expect(verdictOf(frame)).toMatchObject({ kind: 'moved', slot: 7 });
    expect(verdictOf(new Refusal('MOVED 8 127.0.0.1:1', []))).toMatchObject({ slot: 8 });
  });

  it('is followed at once at first, and later after growing delays', () => {
    expect([1, 2, 3, 4, 9, 16].map(delayOfHop)).toEqual([0, 0, 10, 20, 200, 200]);
  });
});

describe('a view of the cluster', () => {
  it('has the ranges with addresses that can be dialled', () => {
    const slots = [
      [0, 99, ['10.0.0.1', 7000, 'a'], ['', 7001, 'b']],
      [100, 200, ['?', 7002, 'c', ['ip', '10.0.0.3']]],
      [201, 300, ['?', 7003, 'd', []]],
      [301, 400, [null, 7004, 'e']],
    ];
    const view = readView(slots, 'cluster_current_epoch:12\r\n', 'asked', sameAddress);
    expect(view.epoch).toBe(12);
    expect(
      view.ranges.map(({ from, master, replicas }) => [from, master.name, replicas.map(({ name }) => name)]),
    ).toEqual([
      [0, '10.0.0.1:7000', ['asked:7001']],
      [100, '10.0.0.3:7002', []],
      [301, 'asked:7004', []],
    ]);
  });
});

describe('replies of several nodes', () => {
  it('become one by the policy of the command', () => {
    expect(mergeBy('agg_sum')([1, 2, 3])).toBe(6);
    expect(mergeBy('agg_sum')([Number.MAX_SAFE_INTEGER, 2])).toBe(9007199254740993n);
    expect(
      mergeBy('agg_sum')([
        ['a', 1, 'b', 2],
        ['a', 3, 'b', 4],
      ]),
    ).toEqual(['a', 4, 'b', 6]);
    expect(mergeBy('agg_min')([3, 1, 2])).toBe(1);
    expect(
      mergeBy('agg_min')([
        [3, 1],
        [2, 5],
      ]),
    ).toEqual([2, 1]);
    expect(
      mergeBy('agg_logical_and')([
        [1, 1],
        [0, 1],
      ]),
    ).toEqual([0, 1]);
    expect(mergeBy('all_succeeded')(['OK', 'OK'])).toBe('OK');
    expect(mergeBy(undefined)([['a'], ['b', 'c']])).toEqual(['a', 'b', 'c']);
  });
});

describe('the slot of a command', () => {
  it('is that of all its keys, or of its shard channel', () => {
    expect(slotOfCommand(get('123456789'))).toBe(12739);
    expect(slotOfCommand(mget('{a}1', '{a}2'))).toBe(slotOfCommand(get('a')));
    expect(slotOfCommand(sinter('a', 'b'))).toBe('several');
    expect(slotOfCommand(spublish('123456789', 'x'))).toBe(12739);
  });

  it('may be several where the facts allow it, unless an option wants the whole', () => {
    expect(isSplittable(mset({ a: '1', b: '2' }))).toBe(true);
    expect(isSplittable(sinter('a', 'b'))).toBe(false);
    expect(isSplittable(msetex({ a: 'NX', b: 'XX' }))).toBe(true);
    expect(isSplittable(msetex({ a: '1', b: '2' }, { NX: true }))).toBe(false);
  });
});
