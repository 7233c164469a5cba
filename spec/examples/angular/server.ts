import '@angular/compiler';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { provideZonelessChangeDetection } from '@angular/core';
import { bootstrapApplication, provideClientHydration, type BootstrapContext } from '@angular/platform-browser';
import { provideServerRendering, renderApplication } from '@angular/platform-server';
import { map } from 'rxjs';
import { Redis } from 'rxjs-redis';
import { get } from 'rxjs-redis/commands';
import { PRICE, PriceComponent } from './price.component';

// Started with the address of Redis and the file of the browser's program; prints where it listens.
const [, , url, program = ''] = process.argv;
const redis = new Redis(url);
const price$ = redis.live(get('price')).pipe(map((price) => price ?? 'not known'));

const DOCUMENT =
  '<!doctype html><html><head><title>Price</title><link rel="icon" href="data:," /></head>' +
  '<body><app-price></app-price><script type="module" src="/browser.js"></script></body></html>';

function render(path: string): Promise<string> {
  const providers = [
    provideServerRendering(),
    provideZonelessChangeDetection(),
    provideClientHydration(),
    { provide: PRICE, useValue: price$ },
  ];
  const bootstrap = (context: BootstrapContext) => bootstrapApplication(PriceComponent, { providers }, context);
  return renderApplication(bootstrap, { document: DOCUMENT, url: path });
}

function sendEvents(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const sending = price$.subscribe({
    next: (price) => response.write(`data: ${price}\n\n`),
    error: () => response.end(),
  });
  response.on('close', () => sending.unsubscribe());
}

const server = createServer((request, response) => {
  if (request.url === '/price') sendEvents(response);
  else if (request.url === '/browser.js')
    response.setHeader('content-type', 'text/javascript').end(readFileSync(program));
  else
    render(request.url ?? '/').then(
      (page) => response.setHeader('content-type', 'text/html').end(page),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
