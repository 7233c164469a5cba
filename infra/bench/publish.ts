import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../servers/ask';
import { MESSAGE } from './data';
import { encode } from './wire';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** How many PUBLISH travel in one write. */
const BATCH = 1000;

/** Publishes `count` messages as fast as the server takes them; resolves when it has taken the last. */
export function publish({ host, port }: Address, channel: string, count: number): Promise<void> {
  const request = encode('PUBLISH', channel, MESSAGE);
  const batch = Buffer.from(request.repeat(BATCH));
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    let unanswered = count;
    let unsent = count;
    const send = (): void => {
      const now = Math.min(BATCH, unsent);
      unsent -= now;
      if (now > 0) socket.write(batch.subarray(0, now * request.length));
    };
    let answered = 0;
    socket.on('error', reject).on('data', (chunk) => {
      // Each reply is one line: `:1`.
      for (const byte of chunk) if (byte === 0x0a) answered++;
      for (; answered >= BATCH; answered -= BATCH) {
        unanswered -= BATCH;
        send();
      }
      if (unanswered - answered > 0) return;
      socket.destroy();
      resolve();
    });
    for (let i = 0; i < 4; i++) send();
  });
}

const COUNT_SUBSCRIBERS = "return redis.call('PUBSUB', 'NUMSUB', ARGV[1])[2]";

/** Waits until the server knows a subscriber of the channel. */
export async function untilSubscribed(address: Address, channel: string, timeout = 10_000): Promise<void> {
  for (const end = Date.now() + timeout; Date.now() < end; await sleep(20)) {
    const [subscribers] = await ask(address, [['EVAL', COUNT_SUBSCRIBERS, '0', channel]], timeout);
    if (subscribers !== '0') return;
  }
  throw new Error(`nobody subscribed to ${channel} within ${timeout} ms`);
}
