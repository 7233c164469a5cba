import { of, switchMap, tap, type Observable } from 'rxjs';
import type { RedisError } from '../errors';
import type { Clock } from './clock';
import { Dialing } from './dialing';
import { nextEndpoint } from './endpoints';
import type { Guide } from './guide';
import type { FirstBytes } from './incurable';
import { describe, type ByteSocket, type Dial, type Endpoint } from './socket';

/** What endpoints are dialled with. */
export interface DialerOptions extends Endpoint {
  /** how long the next endpoint may be waited for, ms */
  readonly connectTimeout: number;
}

/** Asks where each link leads to, dials, and knows how far the making of a link has come. */
//  begin ──▶ endpoint ──▶ dial ──▶ socket ──▶ handshake ──▶ succeeded, failed
export class Dialer {
  private readonly dialing: Dialing;
  /** The endpoint that was dialled last; before that, the one of the options, or none where that is asked for. */
  endpoint: Endpoint | undefined;
  /** A link is being made, or is in its handshake. It is not any more when its commands are told that it failed. */
  isUnderWay = false;

  /**
   * @param ask where the next link leads to; undefined where it is what the options say
   * @param guide knows that in place of `ask`
   */
  constructor(
    private readonly options: DialerOptions,
    private readonly clock: Clock,
    private readonly dial: Dial,
    private readonly ask: (() => Observable<Endpoint>) | undefined,
    private readonly guide: Guide | undefined,
  ) {
    if (guide === undefined && ask === undefined) this.endpoint = options;
    this.dialing = new Dialing(clock);
  }

  /** The address, for people, of the server that was dialled last: `localhost:6379`. Before that, the name of what is asked for. */
  get address(): string {
    return this.endpoint === undefined ? this.name : describe(this.endpoint);
  }

  /** What is being done to make a link, and for how long, for people; undefined where nothing is. */
  get doing(): string | undefined {
    return this.isUnderWay ? this.dialing.describe(this.address, this.name) : undefined;
  }

  private get name(): string {
    return this.guide?.name ?? describe(this.options);
  }

  begin(): void {
    this.isUnderWay = true;
    this.dialing.begin(this.guide !== undefined);
  }

  /** The attempt is over: the link is ready, or could not be made, or is not wanted any more. */
  end(): void {
    this.isUnderWay = false;
  }

  /** Emits a socket once it is open. */
  open(): Observable<ByteSocket> {
    const { options, clock, dialing, guide } = this;
    const ask = guide === undefined ? this.ask : () => guide.endpoint();
    const endpoint$ = ask === undefined ? of(options) : nextEndpoint(ask, options.connectTimeout, clock);
    return endpoint$.pipe(
      switchMap((endpoint) => {
        this.endpoint = endpoint;
        if (guide !== undefined) dialing.located();
        return this.dial(endpoint, clock, dialing.accepted);
      }),
      tap(() => dialing.opened()),
    );
  }

  /** The same error, or one that tells from the first bytes what the peer is, where there was no link yet. */
  readonly explain = (error: RedisError, firstBytes: FirstBytes): RedisError =>
    this.isUnderWay ? firstBytes.explain(error, this.address, Boolean(this.endpoint?.tls)) : error;
}
