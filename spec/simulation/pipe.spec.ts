import { Pipe, type PipeManners } from './pipe';
import type { StreamFault } from './plan';
import { Timeline } from './timeline';

const frames = ['+OK\r\n', '$3\r\nabc\r\n', ':1\r\n'];
const text = frames.join('');

/** Sends the frames through a pipe and lets the time run out. */
function carry(manners: Partial<PipeManners>, faults: readonly StreamFault[] = []) {
  const timeline = new Timeline();
  const pieces: string[] = [];
  const struck: [fault: string, at: number][] = [];
  const pipe = new Pipe(
    timeline,
    timeline.after.bind(timeline),
    { latency: 1, sizes: [], gap: 0, ...manners },
    [...faults],
    (bytes) => pieces.push(String(bytes)),
    (fault) => {
      struck.push([fault.type, pieces.join('').length]);
      if (fault.type === 'cut') pipe.kill();
      if (fault.type === 'stall') pipe.stall(fault.duration);
    },
  );
  let end = 0;
  for (const frame of frames) {
    pipe.ends.push((end += frame.length));
    pipe.send(Buffer.from(frame));
  }
  while (timeline.next < Infinity) timeline.step();
  return { pieces, struck, time: timeline.now() };
}

const cutAt = (after: number, plus: number): StreamFault => ({
  type: 'cut',
  way: 'down',
  after,
  plus,
  notice: 0,
  both: true,
});

describe('A pipe', () => {
  it('brings what is there in one piece, or in pieces of the sizes that the plan has', () => {
    expect(carry({}).pieces).toStrictEqual([text]);
    expect(carry({ sizes: [1, 6] }).pieces).toStrictEqual(['+', 'OK\r\n$3', '\r', '\nabc\r\n', ':', '1\r\n']);
  });

  it('lets time pass before each piece', () => {
    expect(carry({ latency: 5 }).time).toBe(5);
    expect(carry({ latency: 5, sizes: [10], gap: 3 }).time).toBe(8);
  });

  it.each([[], [1], [3, 4]])('is cut behind any byte, whatever the pieces are (%p)', (...sizes) => {
    for (let at = 0; at < text.length; at++) {
      expect(carry({ sizes }, [cutAt(0, at)]).pieces.join('')).toBe(text.slice(0, at));
    }
  });

  it('counts from the end of so many whole frames', () => {
    expect(carry({}, [cutAt(2, 0)]).pieces.join('')).toBe(frames[0]! + frames[1]!);
    expect(carry({}, [cutAt(1, 2)]).pieces.join('')).toBe(`${frames[0]!}$3`);
    expect(carry({}, [cutAt(4, 0)]).pieces.join('')).toBe(text);
  });

  it('stalls, goes on, and can be cut later', () => {
    const stall: StreamFault = { type: 'stall', way: 'down', after: 1, plus: 0, duration: 100 };
    const { pieces, struck, time } = carry({}, [cutAt(2, 1), stall]);
    expect({ pieces, struck, time }).toStrictEqual({
      pieces: [frames[0], `${frames[1]!}:`],
      struck: [
        ['stall', 5],
        ['cut', 15],
      ],
      time: 101,
    });
  });
});
