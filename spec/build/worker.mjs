// What the package does in a worker of Cloudflare's: the answer has a line for each thing.

/* global URL, Response */

import { Redis } from 'rxjs-redis';

export default {
  async fetch(request) {
    const url = new URL(request.url).searchParams.get('redis');
    const redis = new Redis(url, { commandTimeout: 5_000 });
    const large = 'x'.repeat(500_000);
    const message = (async () => {
      for await (const { data } of redis.subscribe('worker')) return data;
    })();
    while ((await redis.publish('worker', 'heard')) === 0);
    const said = [
      await redis.set('worker', 'ä'),
      await redis.get('worker'),
      await message,
      (await redis.set('worker', large)) === 'OK' && (await redis.get('worker')) === large,
      await redis.pipeline().unlink('worker').get('worker').exec(),
    ];
    await redis.close();
    return new Response(JSON.stringify(said));
  },
};
