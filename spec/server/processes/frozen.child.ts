// A function as platforms run it: HTTP requests call it, and it is frozen between them. Prints its address, and the error of a call that failed.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from '../../../src';

const redis = new Redis(process.argv[2]);
redis.events$.subscribe();

const server = createServer((_, response) => {
  redis.incr('calls').subscribe({
    next: (calls) => response.end(String(calls)),
    error: (error: Error) => response.writeHead(500).end(error.message),
  });
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
