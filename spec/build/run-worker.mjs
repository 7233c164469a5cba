// node run-worker.mjs MINIFLARE WORKER redis://127.0.0.1:6379: asks a worker once, and prints its answer.

import { createRequire } from 'node:module';

const [miniflare, scriptPath, redis] = process.argv.slice(2);
const { Miniflare } = createRequire(import.meta.url)(miniflare);
const workers = new Miniflare({
  modules: true,
  scriptPath,
  compatibilityDate: '2026-04-01',
  compatibilityFlags: ['nodejs_compat'],
});
const response = await workers.dispatchFetch(`http://worker/?redis=${encodeURIComponent(redis)}`);
console.log(await response.text());
await workers.dispose();
