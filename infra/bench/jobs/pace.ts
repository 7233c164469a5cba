import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { MESSAGE } from '../data';
import { encode } from '../wire';
import type { Job } from './job';

/** How long it stands still between two looks at the clock, ms: a timer of the event loop would take a whole one. */
const STEP = 0.1;
/** A process that could not run for a while does not make up for more than that in one go, ms. */
const MOST_AT_ONCE = 4;

/** Publishes so many messages a second, evenly, from `go` to `stop`; answers each when it is so. */
export async function publishEvenly(
  url: string,
  { channel, perSecond }: Extract<Job, { kind: 'pace' }>,
  said: () => Promise<'go' | 'stop'>,
  answer: () => void,
): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  let unanswered = 0;
  // Each reply is one line: `:1`.
  socket.on('data', (chunk) => {
    for (const byte of chunk) if (byte === 0x0a) unanswered--;
  });
  await once(socket, 'connect');
  const request = encode('PUBLISH', channel, MESSAGE);
  const most = Math.ceil((perSecond / 1000) * MOST_AT_ONCE);
  const requests = Buffer.from(request.repeat(most));
  const asleep = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    await said();
    answer();
    let isGoing = true;
    void said().then(() => (isGoing = false));
    let last = performance.now();
    for (let due = 0; isGoing;) {
      const now = performance.now();
      due = Math.min(most, due + ((now - last) / 1000) * perSecond);
      last = now;
      const count = Math.floor(due);
      due -= count;
      unanswered += count;
      if (count > 0) socket.write(requests.subarray(0, count * request.length));
      Atomics.wait(asleep, 0, 0, STEP);
      await setImmediate();
    }
    while (unanswered > 0) await setImmediate();
    answer();
  }
}
