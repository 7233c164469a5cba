import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { RedisModule } from 'rxjs-redis/nestjs';
import { Board } from './board';
import { Clients } from './clients';
import { Jobs } from './jobs';
import { Journal } from './journal';
import { LocalGuard } from './local.guard';
import { Nodes } from './nodes';
import { PageController } from './page.controller';
import { Reader } from './reader';
import { STAGE, type Stage } from './stage';
import { VitalsFeed } from './vitals-feed';
import { Windows } from './windows';

/** A page that is served. */
export interface Page extends AsyncDisposable {
  readonly url: string;
  readonly app: NestExpressApplication;
  /** Whether a window is open. */
  isWatched(): boolean;
}

/** No script, style or picture from elsewhere, and in no frame. */
const HEADERS = {
  'Content-Security-Policy': "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-cache',
};

const LIMIT = '16kb';

/** Serves the page on a free port of this machine, to this machine alone. */
export async function startPage(stage: Stage): Promise<Page> {
  const app = await NestFactory.create<NestExpressApplication>(pageModule(stage), {
    logger: false,
    bodyParser: false,
    forceCloseConnections: true,
    abortOnError: false,
  });
  app.useBodyParser('json', { limit: LIMIT });
  app.useGlobalGuards(new LocalGuard());
  const setHeaders = (response: { setHeader(name: string, value: string): void }): void => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  };
  app.useStaticAssets(join(__dirname, 'public'), { setHeaders });
  app.useStaticAssets(dirname(require.resolve('uplot')), { prefix: '/uplot/', setHeaders });
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const windows = app.get(Windows);
  return {
    url: `http://127.0.0.1:${port}/`,
    app,
    isWatched: () => windows.count$.value > 0,
    [Symbol.asyncDispose]: () => app.close(),
  };
}

function pageModule(stage: Stage) {
  const { line } = stage;
  class PageModule {}
  Module({
    imports: [
      RedisModule.forRoot({ name: 'page', ...line.options('page') }),
      RedisModule.forRoot({ name: 'workers', ...line.options('workers') }),
      RedisModule.forRoot({ name: 'reader', ...line.options('reader') }),
    ],
    controllers: [PageController],
    providers: [{ provide: STAGE, useValue: stage }, Windows, Clients, Journal, VitalsFeed, Jobs, Board, Reader, Nodes],
  })(PageModule);
  return PageModule;
}
