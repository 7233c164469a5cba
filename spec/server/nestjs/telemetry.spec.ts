import { Controller, Get, Inject, Injectable, Param } from '@nestjs/common';
import { context, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { concatMap, lastValueFrom, map, type Observable } from 'rxjs';
import type { Redis } from 'rxjs-redis';
import { incr } from 'rxjs-redis/commands';
import { InjectRedis, RedisModule } from 'rxjs-redis/nestjs';
import { useNest } from '../../support/nest';
import { useServer } from '../../support/server';
import { useTracing } from '../../support/telemetry';

const server = useServer();
const { compile, closes } = useNest();
const { finished, open } = useTracing();

@Injectable()
class Visits {
  constructor(@InjectRedis() private readonly redis: Redis) {}

  async count(page: string): Promise<number> {
    const visits = await this.redis.incr(`visits:${page}`);
    await this.redis.watch('pages', () => [incr('pages')]);
    return visits;
  }

  counted(page: string): Observable<number> {
    return this.redis.incr(`visits:${page}`).pipe(
      concatMap(() => this.redis.get(`visits:${page}`)),
      map((count) => Number(count)),
    );
  }
}

@Controller('visits')
class VisitsController {
  constructor(@Inject(Visits) private readonly visits: Visits) {}

  @Get(':page')
  async visit(@Param('page') page: string): Promise<string> {
    return String(await this.visits.count(page));
  }

  @Get(':page/stream')
  visited(@Param('page') page: string): Observable<string> {
    return this.visits.counted(page).pipe(map((count) => `${count}`));
  }
}

/** What an instrumentation of HTTP does: each request is handled in a span of its own. */
function inSpan(request: { url: string }, _response: unknown, next: () => void): void {
  const span = trace.getTracer('http').startSpan(`GET ${request.url}`);
  (_response as { once(event: string, listener: () => void): void }).once('finish', () => span.end());
  context.with(trace.setSpan(context.active(), span), next);
}

describe('The spans of a client that RedisModule makes', () => {
  const childrenOf = (name: string): string[] => {
    const parent = finished().find((span) => span.name === name)!;
    const isChild = ({ parentSpanContext }: ReadableSpan) => parentSpanContext?.spanId === parent.spanContext().spanId;
    return finished()
      .filter(isChild)
      .map((span) => span.name);
  };

  it('are children of the request that a controller handles, by promises and by Observables, however many there are at once', async () => {
    const imports = [RedisModule.forRoot({ url: server().url, telemetry: true })];
    const module = await compile({ imports, providers: [Visits], controllers: [VisitsController] });
    const app = closes(module.createNestApplication());
    app.use(inSpan);
    await app.listen(0, '127.0.0.1');
    const at = await app.getUrl();
    const names = Array.from({ length: 10 }, (_, n) => [`/visits/${n}`, `/visits/${n}/stream`]).flat();
    const answers = await Promise.all(names.map(async (path) => (await fetch(at + path)).text()));
    expect(answers.filter((text) => !/^[12]$/.test(text))).toEqual([]);
    for (let n = 0; n < 10; n++) {
      expect(childrenOf(`GET /visits/${n}`)).toEqual(['redis.INCR', 'redis.WATCH']);
      expect(childrenOf(`GET /visits/${n}/stream`)).toEqual(['redis.INCR', 'redis.GET']);
    }
    expect(open()).toBe(0);
  });

  it('end when the application is closed, and tell nothing of that', async () => {
    const imports = [RedisModule.forRoot({ url: server().url, telemetry: true })];
    const app = await (await compile({ imports, providers: [Visits] })).init();
    await lastValueFrom(app.get(Visits).counted('x'));
    await app.close();
    expect(open()).toBe(0);
    expect(finished().map(({ name }) => name)).toEqual(['redis.INCR', 'redis.GET']);
  });
});
