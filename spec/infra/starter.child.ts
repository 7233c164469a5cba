// Starts a server and prints where it is. `wait` then keeps the process alive until it is killed; without it the
// process has nothing more to do and must end by itself.
import { createServer } from 'node:net';
import { startServer } from '../../infra/servers';

async function main(): Promise<void> {
  const { port, pid, folder } = await startServer({ own: true });
  console.log(JSON.stringify({ port, pid, folder }));
  if (process.argv[2] === 'wait') createServer().listen(0, '127.0.0.1');
}

void main();
