// Takes a lock, says so, and holds it until it is killed.
import { createServer } from 'node:net';
import { withLock } from '../../infra/servers/debian/lock';

void withLock(process.argv[2] ?? '', () => {
  console.log('locked');
  return new Promise(() => createServer().listen(0, '127.0.0.1'));
});
