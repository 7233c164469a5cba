import { Subscriber } from 'rxjs';
import { Request } from '../../../src/commands/request';
import { plainContext } from '../../../src/commands/request-context';
import { get } from '../../../src/commands';
import { Fence } from '../../../src/topology/fence';

/** A request that was called as the one of that number. */
function called(place: number): Request {
  const request = new Request(get(`${place}`), plainContext, new Subscriber());
  request.place = place;
  return request;
}

describe('What waits at a fence', () => {
  it('goes on in the order of the calls, however it came back, and ahead of what was called later', () => {
    const fence = new Fence({ admits: () => true, mayOpen: () => undefined }, new Set([1]), undefined);
    const [first, second, third, later] = [called(1), called(2), called(3), called(0)];
    fence.bounce(second);
    fence.bounce(third);
    fence.submit(later);
    fence.bounce(first);
    expect(fence.take()).toStrictEqual([first, second, third, later]);
    expect(fence.length).toBe(0);
  });
});
