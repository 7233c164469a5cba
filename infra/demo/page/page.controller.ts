import {
  Body,
  ConflictException,
  Controller,
  HttpCode,
  Inject,
  Post,
  Query,
  ServiceUnavailableException,
  Sse,
  type MessageEvent,
} from '@nestjs/common';
import { catchError, defer, endWith, ignoreElements, map, merge, of, throwError, type Observable } from 'rxjs';
import { signNames, signs } from '../vitals/signs';
import { Board } from './board';
import { countOf, slownessOf, strokeOf, textsOf, timesOf, windowsOf } from './bodies';
import { Clients } from './clients';
import { Jobs } from './jobs';
import { Journal } from './journal';
import { Nodes } from './nodes';
import { Reader } from './reader';
import { STAGE, type Stage } from './stage';
import { VitalsFeed } from './vitals-feed';
import { Windows } from './windows';

/** How long the line is cut, ms. */
const CUT = 3000;

const NOTHING = 204;

const SIGNS = signNames.map((sign) => ({ sign, name: signs[sign].name, tolerance: signs[sign].tolerance }));

/** What the page asks for and may do. */
@Controller()
export class PageController {
  constructor(
    @Inject(STAGE) private readonly stage: Stage,
    @Inject(Windows) private readonly windows: Windows,
    @Inject(VitalsFeed) private readonly vitals: VitalsFeed,
    @Inject(Clients) private readonly clients: Clients,
    @Inject(Journal) private readonly journal: Journal,
    @Inject(Jobs) private readonly jobs: Jobs,
    @Inject(Board) private readonly board: Board,
    @Inject(Reader) private readonly reader: Reader,
    @Inject(Nodes) private readonly nodes: Nodes,
  ) {}

  /** All that the windows of a browser show, as it happens. */
  @Sse('events')
  events(@Query() query: unknown): Observable<MessageEvent> {
    const windows = windowsOf(query);
    const { title, place, faults } = this.stage;
    const { mayKill, mayFailOver } = faults;
    const { kind } = place;
    return merge(
      of(event('stage', { title, kind, mayKill, mayFailOver, signs: SIGNS })),
      this.windows.count$.pipe(map((count) => event('windows', { count }))),
      this.journal.entries().pipe(map((entry) => event('entry', entry))),
      this.nodes.pictures$.pipe(map((pictures) => event('nodes', pictures))),
      this.clients.pictures$.pipe(map((pictures) => event('clients', pictures))),
      this.vitals.items().pipe(map((item) => event(item.type, item))),
      defer(() => merge(of(this.jobs.picture()), this.jobs.picture$)).pipe(map((jobs) => event('jobs', jobs))),
      this.board.items().pipe(map((item) => event(item.type, item))),
      this.reader.live$.pipe(map((live) => event('live', live))),
      this.reader.cache$.pipe(map((stats) => event('cache', stats))),
    ).pipe(this.windows.counted(windows));
  }

  @Post('cut')
  @HttpCode(NOTHING)
  cut(): void {
    if (!this.stage.faults.cut(CUT)) throw new ConflictException('something is broken already');
  }

  @Post('kill')
  @HttpCode(NOTHING)
  kill(): void {
    const { faults } = this.stage;
    if (!faults.mayKill) throw new ConflictException("the server is not the demo's own");
    if (!faults.kill()) throw new ConflictException('something is broken already');
  }

  @Post('failover')
  @HttpCode(NOTHING)
  failOver(): void {
    const { faults } = this.stage;
    if (!faults.mayFailOver) throw new ConflictException("no sentinels are the demo's own");
    if (!faults.failOver()) throw new ConflictException('something is broken already');
  }

  @Post('slow')
  @HttpCode(NOTHING)
  slow(@Body() body: unknown): void {
    const { worker, isSlow } = slownessOf(body);
    this.jobs.slow(worker, isSlow);
  }

  @Post('jobs')
  @HttpCode(NOTHING)
  push(@Body() body: unknown): Observable<unknown> {
    return this.jobs.push(countOf(body)).pipe(endWith(undefined));
  }

  @Post('strokes')
  @HttpCode(NOTHING)
  draw(@Body() body: unknown): Observable<unknown> {
    return this.board.draw(strokeOf(body)).pipe(answered());
  }

  @Post('note')
  @HttpCode(NOTHING)
  write(@Body() body: unknown): Observable<unknown> {
    return this.reader.write(textsOf(body)).pipe(answered());
  }

  @Post('reads')
  @HttpCode(NOTHING)
  read(@Body() body: unknown): Observable<unknown> {
    return this.reader.read(timesOf(body)).pipe(answered());
  }

  @Post('wipe')
  @HttpCode(NOTHING)
  wipe(): Observable<unknown> {
    return this.board.wipe().pipe(answered());
  }
}

function event(type: string, data: object): MessageEvent {
  return { type, data };
}

/** Says plainly that it is not known whether something was done. */
function answered() {
  return (reply$: Observable<unknown>): Observable<unknown> =>
    reply$.pipe(
      ignoreElements(),
      endWith(undefined),
      catchError(() => throwError(() => new ServiceUnavailableException('the server has not answered'))),
    );
}
