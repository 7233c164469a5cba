import { fork } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { firstValueFrom } from 'rxjs';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Redis } from '../../../src/index';

/** Somebody whom the parent has brought up in its own way. */
interface Relative {
  /** The next thing he says. */
  says(): Promise<unknown>;
  /** Ends him in the middle of what he is doing. */
  kill(): Promise<unknown>;
  /** When he has ended by himself. */
  ended: Promise<unknown>;
}

const INCREMENTS = 500;

/** Counts on a connection of his own, tells which it was, and counts on until he ends or is ended. */
async function grow(url: string, forEver: boolean, say: (what: unknown) => void): Promise<void> {
  const redis = new Redis(url);
  for (let n = 0; n < INCREMENTS; n++) await redis.incr('family');
  say(await redis.clientId());
  while (forEver) await redis.incr('restless');
  await redis.close();
}

const bringUp: Record<string, (url: string, forEver: boolean) => Relative> = {
  cluster(url, forEver) {
    cluster.setupPrimary({ args: ['', url, String(forEver)] });
    const worker = cluster.fork();
    return {
      says: async () => (await once(worker, 'message'))[0] as unknown,
      kill: () => (worker.process.kill('SIGKILL'), once(worker, 'exit')),
      ended: once(worker, 'exit'),
    };
  },
  fork(url, forEver) {
    const child = fork(__filename, ['', url, String(forEver)], { env: { ...process.env, CHILD: 'yes' } });
    return {
      says: async () => (await once(child, 'message'))[0] as unknown,
      kill: () => (child.kill('SIGKILL'), once(child, 'exit')),
      ended: once(child, 'exit'),
    };
  },
  thread(url, forEver) {
    // A thread does not inherit what makes its parent read TypeScript.
    const program = `require('tsx/cjs'); require(${JSON.stringify(__filename)});`;
    const worker = new Worker(program, { eval: true, workerData: { url, forEver } });
    return {
      says: async () => (await once(worker, 'message'))[0] as unknown,
      kill: () => worker.terminate(),
      ended: once(worker, 'exit'),
    };
  },
};

/** Works on its own connection before, during and after the life of two others, one of which is killed. */
async function raise(kind: string, url: string): Promise<void> {
  const redis = new Redis(url);
  const id = await redis.clientId();
  const heard = firstValueFrom(redis.subscribe('family'));
  const [good, bad] = [bringUp[kind]!(url, false), bringUp[kind]!(url, true)];
  const said = [good.says(), bad.says()];
  for (let n = 0; n < INCREMENTS; n++) await redis.incr('family');
  const ids = await Promise.all(said);
  await Promise.all([good.ended, bad.kill()]);
  await redis.publish('family', 'still here');
  const report = {
    total: Number(await redis.get('family')),
    connections: new Set([id, ...ids]).size,
    same: (await redis.clientId()) === id,
    heard: (await heard).data,
  };
  await redis.close();
  console.log(JSON.stringify(report));
}

const [kind = '', url = '', forEver = ''] = process.argv.slice(2);
if (!isMainThread) {
  const data = workerData as { url: string; forEver: boolean };
  void grow(data.url, data.forEver, (what) => parentPort!.postMessage(what));
} else if (cluster.isWorker || process.env.CHILD !== undefined) {
  void grow(url, forEver === 'true', (what) => process.send!(what)).then(() => process.disconnect());
} else {
  void raise(kind, url);
}
