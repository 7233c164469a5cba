import type { Connection } from '../../src/connection/connection';
import { SimulatedClient, expectationsOf } from './client';
import { Journal } from './journal';
import type { Link } from './link';
import { Lifecycle } from './lifecycle';
import { Memory, remainsOf } from './memory';
import { Network } from './network';
import { Observers } from './observers';
import { Endless, Pace } from './pace';
import type { ClientItem, Item, LinkItem, Plan, ServerItem } from './plan';
import { Referee, isBlocking } from './referee';
import { SameTick } from './same-tick';
import type { Circumstances } from './sent';
import { FORBIDDEN, Server } from './server';
import { watchSignIn } from './sign-in';
import { States } from './states';
import { Timeline } from './timeline';
import { UserErrors, strays } from './user-errors';
import { Workload } from './workload';

/** What came of a run. */
export interface Verdict {
  readonly violations: readonly string[];
  /** the same for two runs of the same plan */
  readonly hash: string;
  readonly counts: ReadonlyMap<string, number>;
  readonly lines: readonly string[];
}

/** How long after the last item of a plan its faults may still strike, although nobody waits for anything; ms. */
const AFTERMATH = 500;
/** How long after the last item of a plan all has to have settled at the latest, whatever its limits; ms. */
const LONGEST_SETTLING = 60_000;
/** How long a client without faults takes for anything; ms. */
const CALM = 5_000;
/** How long it takes until nothing is left of what was: longer than any limit; ms. */
const QUIET = 40_000;
interface Manners {
  readonly traced: boolean;
  readonly patient: boolean;
  readonly atRest: () => Promise<void>;
}

/**
 * Runs a plan: the real client, in virtual time, against a scripted server.
 * @param traced keep the lines of the journal
 * @param patient wait for what reaches the process later, so that it counts for this run
 * @param atRest done while the client still lives and has nothing to do, if it comes to that
 */
export async function simulate(
  plan: Plan,
  { traced = false, patient = false, atRest = () => Promise.resolve() }: Partial<Manners> = {},
): Promise<Verdict> {
  const lines: string[] = [];
  const timeline = new Timeline();
  const journal = new Journal(() => timeline.now(), traced ? lines : undefined);
  try {
    await new Simulation(plan, timeline, journal, atRest).run();
  } catch (error) {
    if (error instanceof Endless) journal.fail('the run does not come to its end');
    else journal.fail(`the run was broken off: ${(error as Error).stack ?? String(error)}`);
  }
  if (patient) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    for (const stray of strays.splice(0)) journal.fail(stray);
  }
  const { violations, hash, counts } = journal;
  return { violations, hash, counts, lines };
}

class Simulation {
  private readonly userErrors = new UserErrors();
  private readonly observers: Observers;
  private readonly referee: Referee;
  private readonly server: Server;
  private readonly network: Network;
  private readonly client: SimulatedClient;
  private readonly workload: Workload;
  /** the connections of their own that messages had in RESP2 */
  private readonly forMessages: Connection[] = [];
  private readonly states: States;
  private readonly otherStates: States[] = [];
  private readonly lifecycle: Lifecycle;
  private readonly pace: Pace;
  private readonly memory: Memory;
  private readonly sameTick: SameTick;

  constructor(
    private readonly plan: Plan,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
    private readonly atRest: () => Promise<void>,
  ) {
    const { settings, items } = plan;
    const signInRefused = () => this.referee.signInRefusedAt === timeline.now();
    this.observers = new Observers(timeline, journal, this.userErrors, {
      closing: () => this.lifecycle.closing !== undefined,
      failure: () => failureOf(this.client.connection),
      failuresForMessages: () => this.forMessages.map(failureOf),
      signInRefused,
    });
    this.referee = new Referee(timeline, journal, settings, this.observers);
    this.server = new Server(timeline, journal, expectationsOf(settings));
    const { referee, server } = this;
    const around: Circumstances = {
      ...{ timeline, journal, settings },
      over: () => this.lifecycle.over,
      owed: (sent) => this.lifecycle.owes(sent) && !this.workload.isBlocked(sent),
      overflows: (sent) => this.workload.overflows(sent),
      signInRefused,
    };
    this.sameTick = new SameTick(this.observers, around);
    const { sameTick } = this;
    this.network = new Network(items.filter(isLinkItem), { timeline, server, referee, journal, sameTick });
    server.published = ({ index }, id, channel) => {
      const link = this.network.links.find((link) => link.index === index);
      if (link !== undefined) sameTick.published(link, id, channel);
    };
    const actions = { close: () => this.lifecycle.close(), destroy: () => this.lifecycle.destroy() };
    const view = { state: () => this.client.redis.toJSON().state, dialled: () => this.states.dialled };
    this.workload = new Workload(() => this.client, referee.sents, around, this.userErrors, actions, view);
    this.pace = new Pace(timeline, journal);
    const linkOf = new Map<Connection, Link>();
    this.client = new SimulatedClient(settings, {
      clock: timeline.client,
      userErrors: this.userErrors,
      dial: (connection) =>
        this.network.dial((link) => {
          linkOf.set(connection, link);
          link.givenUp = () => connection.closed;
        }),
      madeForMessages: (connection) => {
        this.forMessages.push(connection);
        watchSignIn(connection, () => linkOf.get(connection), around, { connecting: () => 0, queued: () => 0 });
        const onReady = () => referee.ready(linkOf.get(connection)!, true);
        this.otherStates.push(new States(connection, around, { closing: () => connection.closed, onReady }));
      },
      onConnectThrows: () => this.network.links.at(-1)?.traits.onConnectThrows ?? false,
      credentialsManner: () => {
        const manner = this.network.links.at(-1)?.traits.credentials;
        if (manner !== undefined) journal.count(`credentials ${manner}`);
        return manner;
      },
      asked: (choice, command, error, attempt) => this.workload.decide(choice, command, error, attempt),
    });
    const { redis, connection } = this.client;
    this.lifecycle = new Lifecycle(redis, around, {
      submitted: () => this.workload.all.length,
      busyUntil: (since) => this.busyUntil(since),
    });
    watchSignIn(connection, () => linkOf.get(connection), around, {
      connecting: () => this.lifecycle.connecting,
      // Who is told of the refusal may send something at once.
      queued: () =>
        connection.multiplexer.queued -
        this.workload.unsettled.filter(({ submittedAt }) => submittedAt === timeline.now()).length,
    });
    this.states = new States(redis, around, {
      closing: () => this.lifecycle.closing !== undefined,
      onReady: (protocol) => referee.ready(linkOf.get(connection)!, protocol === 3),
      onFirstLoss: () => this.workload.checkBurst(),
    });
    this.memory = new Memory(this.client, settings);
  }

  async run(): Promise<void> {
    const end = this.schedule();
    await this.pace.runUntil(end + AFTERMATH);
    await this.settle(end + LONGEST_SETTLING);
    if (!this.lifecycle.over) await this.calmDown();
    await this.end();
    this.checkSettled();
    for (const sent of this.workload.all) sent.conclude();
    for (const what of remainsOf(this.client)) this.journal.fail(`what remains of the client: ${what}`);
    if (this.userErrors.thrown > 0) await this.hearUserErrors();
  }

  /** Puts the plan on the timeline, what happens at the same time in one tick; returns when it ends. */
  private schedule(): number {
    const { timeline, journal, server } = this;
    const ticks = new Map<number, ClientItem[]>();
    let end = 0;
    for (const item of this.plan.items) {
      if (item.kind === 'link') continue;
      end = Math.max(end, item.at);
      if (isServerItem(item)) {
        timeline.after(item.at, () => {
          journal.note('server', item.kind);
          server.happen(item);
        });
      } else {
        ticks.set(item.at, [...(ticks.get(item.at) ?? []), item]);
      }
    }
    for (const [at, items] of ticks) timeline.afterInProcess(at, () => items.forEach((item) => this.perform(item)));
    return end;
  }

  private perform(item: ClientItem): void {
    const { timeline, client, journal } = this;
    timeline.touched = true;
    if (item.kind !== 'send' && item.kind !== 'join') journal.note('user', item.kind);
    switch (item.kind) {
      case 'send':
        if (item.call === 'publish') this.sameTick.submitted(item.id);
        this.workload.send(item);
        break;
      case 'join':
        this.observers.join(client.redis, item);
        break;
      case 'connect':
        this.lifecycle.connect();
        break;
      case 'close':
        if (this.workload.unsettled.length > 0) journal.count('closed with something pending');
        this.lifecycle.close();
        break;
      case 'destroy':
        this.lifecycle.destroy();
        break;
      case 'rotate':
        client.credentials.rotate(item.wrongly);
        break;
      case 'loseCredentials':
        client.credentials.fail();
        break;
      case 'hold':
        timeline.holdUp(item.duration);
        break;
    }
  }

  /** Until when anybody waited for anything since the client was told to close; undefined where that is not known. */
  private busyUntil(since: number): number | undefined {
    const link = this.network.links.at(-1);
    const { all, unsettled } = this.workload;
    if (link?.ready !== true || this.forMessages.length > 0) return undefined;
    // What waits at the server is not waited for, nor what stands behind it.
    const { oldest } = link;
    const isQuiet = oldest === undefined ? unsettled.length === 0 : isBlocking(oldest);
    if (!isQuiet) return undefined;
    // Who leaves now may have been waiting for a second try, which nobody calls off.
    const left = all.some(
      ({ outcome, settledAt, refusals, retry }) =>
        outcome?.kind === 'left' && settledAt >= since && (refusals > 0 || retry === 'slowly'),
    );
    if (left) return undefined;
    const settled = all.flatMap(({ outcome, settledAt }) => (outcome === undefined ? [] : [settledAt]));
    return Math.max(since, link.answeredAt, oldest?.writtenAt ?? 0, ...settled);
  }

  /** All comes to its end within its own limits, whatever the plan has broken. */
  private async settle(until: number): Promise<void> {
    while (this.workload.unsettled.length > 0 && this.timeline.next <= until) await this.pace.step();
    for (const link of this.network.open) this.referee.checkLimits(link);
    for (const sent of this.workload.unsettled) {
      if (sent.latest < this.timeline.now())
        sent.fail(`has not settled by ${this.timeline.now()}, it was due by ${sent.due}`);
    }
  }

  /** Nothing is broken any more: the client has to be ready, subscribed to what is observed and to nothing else, and quiet. */
  private async calmDown(): Promise<void> {
    const { redis, connection } = this.client;
    this.journal.note('calm');
    this.network.calm();
    this.server.calm();
    this.lifecycle.connect();
    await this.pace.pass(CALM);
    if (this.lifecycle.over) return;
    for (const sent of this.workload.unsettled) sent.fail('has not settled although nothing is broken any more');
    const { state } = redis.toJSON();
    if (state !== 'ready') {
      this.journal.fail(`not ready although nothing is broken any more: ${state}`);
      return;
    }
    if (this.lifecycle.connecting > 0) this.journal.fail('connect() goes on although the client is ready');
    this.checkSubscriptions();
    await this.publishToAll();
    this.observers.leaveAll();
    this.timeline.touched = true;
    await this.pace.pass(CALM);
    this.checkSubscriptions();
    await this.pace.pass(QUIET);
    if (connection.multiplexer.pending > 0)
      this.journal.fail(`${connection.multiplexer.pending} requests are pending for ever`);
    if (this.timeline.timers > 0)
      this.journal.fail(`${this.timeline.timers} timers run although nothing is to be done`);
    this.journal.count('measured at rest');
    for (const what of this.memory.excess) this.journal.fail(`the client holds ${what}`);
    await this.atRest();
  }

  /** Every channel that is observed gets a message, and one that is not. */
  private async publishToAll(): Promise<void> {
    for (const name of [...this.observers.observed, 'nobody']) {
      this.server.publish(name.replace('*', ':calm').replace('#', ''), `m:calm-${name}`, name.startsWith('#'));
    }
    await this.pace.pass(CALM);
  }

  private checkSubscriptions(): void {
    const { observed } = this.observers;
    if (observed.has(FORBIDDEN) || observed.has(`#${FORBIDDEN}`))
      this.journal.fail('an observer of a refused channel was not told');
    const there: string[] = [];
    const { credentials } = this.client;
    for (const { peer, ready } of this.network.open) {
      const { subscriptions, password } = peer;
      there.push(
        ...subscriptions.channel,
        ...subscriptions.pattern,
        ...[...subscriptions.shard].map((name) => `#${name}`),
      );
      if (
        ready &&
        this.plan.settings.password &&
        !peer.refusesPassword &&
        !credentials.broken &&
        password !== credentials.password
      ) {
        this.journal.fail(`link ${peer.index} is signed in with ${password}, not ${credentials.password}`);
      }
    }
    const [wanted, got] = [[...observed].sort().join(), there.sort().join()];
    if (wanted !== got) this.journal.fail(`observed are '${wanted}', the server has '${got}'`);
  }

  /** The client is closed or destroyed, and nothing may remain of it. */
  private async end(): Promise<void> {
    const { ending } = this.plan.settings;
    if (ending !== 'destroy') this.lifecycle[ending]();
    const { closing } = this.lifecycle;
    await this.pace.pass(closing === undefined ? 0 : Math.max(0, closing.by - this.timeline.now()) + CALM);
    if (closing?.done === false) this.journal.fail('close() has not come to its end');
    this.lifecycle.destroy();
    await this.pace.pass(0);
    for (const sent of this.workload.unsettled) sent.fail('has not settled although the client is destroyed');
    this.observers.checkEnded();
    if (this.lifecycle.connecting > 0) this.journal.fail('connect() has not come to its end');
    for (const { closed, ended } of [this.states, ...this.otherStates]) {
      if (!closed) this.journal.fail('a connection is not closed although the client is destroyed');
      if (!ended) this.journal.fail('events$ has not completed');
    }
    if (this.network.open.length > 0)
      this.journal.fail(`${this.network.open.length} sockets are open although the client is destroyed`);
    if (this.timeline.timers > 0)
      this.journal.fail(`${this.timeline.timers} timers run although the client is destroyed`);
    await this.pace.pass(CALM);
    for (const { index, bytes$, drain$ } of this.network.links) {
      if (bytes$.observed || drain$.observed) this.journal.fail(`link ${index} is listened to although it is gone`);
    }
  }

  private checkSettled(): void {
    for (const sent of this.workload.all) {
      if (sent.outcome === undefined) sent.fail('has never settled');
    }
  }

  private async hearUserErrors(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const { thrown, reported } = this.userErrors;
    if (thrown !== reported) this.journal.fail(`user code threw ${thrown} errors, ${reported} reached the process`);
  }
}

function isServerItem(item: Item): item is ServerItem {
  return ['publish', 'push', 'restart', 'failover', 'refuse', 'kill', 'sleep'].includes(item.kind);
}

function isLinkItem(item: Item): item is LinkItem {
  return item.kind === 'link';
}

function failureOf({ state$: { value } }: Connection): unknown {
  return value.kind === 'closed' ? value.error : undefined;
}
