import type { Connection } from '../../src/connection/connection';
import { Calm } from './calm';
import type { Cast } from './cast';
import { SimulatedClient, expectationsOf, type Witness } from './client';
import { Ending } from './ending';
import { Journal } from './journal';
import type { Link } from './link';
import { Jobs } from './jobs';
import { Leases } from './leases';
import { Lifecycle } from './lifecycle';
import { Memory, topicsIn } from './memory';
import { Monitors } from './monitors';
import { Network } from './network';
import { Observers } from './observers';
import { Endless, Pace } from './pace';
import type { Peer } from './peer';
import type { ClientItem, Item, LinkItem, Plan, ServerItem, Settings } from './plan';
import { Referee } from './referee';
import type { Circumstances } from './sent';
import { Server } from './server';
import { Spans } from './spans';
import { watchSignIn } from './sign-in';
import { States } from './states';
import { Streams } from './streams';
import { Takes } from './takes';
import { Timeline } from './timeline';
import { UserErrors, strays } from './user-errors';
import { isBlocking } from './wire';
import { Workload } from './workload';
import { checkWriteOrder, isOvertaken, isOvertakenByStream } from './write-order';

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

interface Manners {
  readonly traced: boolean;
  readonly patient: boolean;
  readonly atRest: () => Promise<void>;
  readonly witness: Witness | undefined;
}

/**
 * Runs a plan: the real client, in virtual time, against a scripted server.
 * @param traced keep the lines of the journal
 * @param patient wait for what reaches the process later, so that it counts for this run
 * @param atRest done while the client still lives and has nothing to do, if it comes to that
 * @param witness sees what the run makes
 */
export async function simulate(
  plan: Plan,
  { traced = false, patient = false, atRest = () => Promise.resolve(), witness }: Partial<Manners> = {},
): Promise<Verdict> {
  const lines: string[] = [];
  const timeline = new Timeline();
  const journal = new Journal(() => timeline.now(), traced ? lines : undefined);
  // A run is a function of its plan, also where the client leaves something to chance.
  const { random } = Math;
  Math.random = () => 0.5;
  try {
    await new Simulation(plan, timeline, journal, atRest, witness).run();
  } catch (error) {
    if (error instanceof Endless) journal.fail('the run does not come to its end');
    else journal.fail(`the run was broken off: ${(error as Error).stack ?? String(error)}`);
  } finally {
    Math.random = random;
  }
  if (patient) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    for (const stray of strays.splice(0)) journal.fail(stray);
  }
  const { violations, hash, counts } = journal;
  return { violations, hash, counts, lines };
}

class Simulation implements Cast {
  readonly userErrors = new UserErrors();
  readonly spans: Spans;
  readonly observers: Observers;
  readonly monitors: Monitors;
  readonly leases: Leases;
  readonly takes: Takes;
  readonly streams: Streams;
  readonly jobs: Jobs;
  readonly referee: Referee;
  readonly server: Server;
  readonly network: Network;
  readonly client: SimulatedClient;
  readonly workload: Workload;
  /** the connections of their own that messages had in RESP2 */
  private readonly forMessages: Connection[] = [];
  /** There was a Redis at the other end of the commands. */
  private wasReady = false;
  readonly states: States;
  readonly otherStates: States[] = [];
  readonly lifecycle: Lifecycle;
  readonly pace: Pace;
  readonly memory: Memory;
  private lastError: unknown;
  /** How often the client has said that it could not hand on what a command had taken. */
  private notHandedOn = 0;

  constructor(
    readonly plan: Plan,
    readonly timeline: Timeline,
    readonly journal: Journal,
    private readonly atRest: () => Promise<void>,
    private readonly witness: Witness | undefined,
  ) {
    const { settings, items } = plan;
    this.spans = new Spans(journal);
    const signInRefused = () => this.referee.signInRefusedAt === timeline.now();
    this.observers = new Observers(timeline, journal, this.userErrors, {
      closing: () => this.lifecycle.closing !== undefined,
      endedAtOnce: () => this.lifecycle.endedAtOnce,
      failure: () => failureOf(this.client.connection),
      failuresForMessages: () => this.forMessages.map(failureOf),
      signInRefused,
      metNoRedis: () =>
        !this.wasReady && this.network.links.some((link) => link.carriesMessages && isNoRedis(link, settings)),
      carrier: () => this.network.open.filter(({ carriesMessages }) => carriesMessages).at(-1),
    });
    const linkOf = new Map<Connection, Link>();
    const lent = new Set<Connection>();
    const around: Circumstances = {
      ...{ timeline, journal, settings },
      judge: {
        submitted: (sent) => this.referee.submitted(sent),
        settled: (sent, outcome) => this.referee.settled(sent, outcome),
        concluded: (sent) => this.referee.concluded(sent),
      },
      over: () => this.lifecycle.over,
      owed: (sent) =>
        this.lifecycle.owes(sent) &&
        !this.workload.isBlocked(sent) &&
        linkOf.get(this.client.connection)?.lost !== true,
      overflows: (sent) => this.workload.overflows(sent),
      signInRefused,
      lonelyMultis: () => this.referee.lonelyMultis,
      lastError: () => this.lastError,
      notHandedOn: () => this.notHandedOn,
      metNoRedis: () => this.network.links.some((link) => !link.carriesMessages && isNoRedis(link, settings)),
      overtaken: (sent) =>
        isOvertaken(sent, this.workload.all, () => this.network.links.flatMap(({ requests }) => requests)) ||
        isOvertakenByStream(sent, this.referee.streamWrittenAt),
      selectorOf: (database) => this.workload.all.find(({ id, item }) => id === database && item.call === 'select'),
      selectedBehind: ({ order }) =>
        this.workload.all.some((sent) => sent.item.call === 'select' && sent.order > order && sent.wires.length > 0),
    };
    const carrier = () => this.network.open.find(({ carriesMessages }) => carriesMessages);
    this.referee = new Referee({ timeline, journal, settings, observers: this.observers, around, carrier });
    this.server = new Server(
      timeline,
      journal,
      expectationsOf(settings),
      this.referee.takeWatcher,
      {
        version: settings.streams,
        watcher: this.referee.streamEvents,
      },
      this.referee.jobEvents,
    );
    const { referee, server } = this;
    this.monitors = new Monitors(timeline, journal, server);
    this.leases = new Leases(() => this.client, referee, timeline, journal);
    this.takes = new Takes(() => this.client, referee, timeline, journal);
    this.streams = new Streams(() => this.client, referee.streamEvents, timeline, journal, server);
    this.jobs = new Jobs(() => this.client, referee.jobEvents, timeline, journal, server);
    this.network = new Network(items.filter(isLinkItem), { timeline, server, referee, journal });
    const linkOfPeer = ({ index }: Peer, tell: (link: Link) => void) => {
      const link = this.network.links.find((link) => link.index === index);
      if (link !== undefined) tell(link);
    };
    server.published = (peer, id, channel) => linkOfPeer(peer, (link) => referee.published(link, id, channel));
    server.lentTo = (peer, use) => linkOfPeer(peer, (link) => referee.lentTo(link, use));
    server.incremented = (peer, use, before, after) =>
      linkOfPeer(peer, (link) => referee.incremented(link, use, before, after));
    server.disturbed = (use) => referee.disturbed(use);
    server.retyped = (key) => referee.retyped(key);
    const actions = { close: () => this.lifecycle.close(), destroy: () => this.lifecycle.destroy() };
    const view = {
      state: () => this.client.redis.toJSON().state,
      admitsAll: () => !this.states.dialled || this.states.renews,
    };
    this.workload = new Workload(() => this.client, referee.sents, around, this.userErrors, actions, view, witness);
    this.pace = new Pace(timeline, journal);
    this.client = new SimulatedClient(settings, {
      clock: timeline.clock,
      userErrors: this.userErrors,
      tracer: this.spans,
      witness,
      dial: (connection) =>
        this.network.dial((link) => {
          linkOf.set(connection, link);
          link.givenUp = () => connection.closed;
          if (lent.has(connection)) link.lend();
          link.carriesMessages = !link.lent && connection !== this.client.connection;
        }),
      madeForMessages: (connection) => {
        this.forMessages.push(connection);
        watchSignIn(connection, () => linkOf.get(connection), around, { connecting: () => 0, queued: () => 0 });
        const onReady = (protocol: 2 | 3) => referee.ready(linkOf.get(connection)!, protocol);
        const endedFor = () => linkOf.get(connection)!.endedFor;
        this.otherStates.push(
          new States(connection, around, { closing: () => connection.closed, onReady, endedFor }, 'messages'),
        );
      },
      lent: (connection) => {
        lent.add(connection);
        referee.connected([...lent].filter(({ closed }) => !closed).length);
        connection.state$.subscribe((state) => {
          if (state.kind === 'ready') referee.ready(linkOf.get(connection)!, state.protocol);
        });
      },
      onConnectThrows: () => this.network.links.at(-1)?.traits.onConnectThrows ?? false,
      credentialsManner: () => {
        const manner = this.network.links.at(-1)?.traits.credentials;
        if (manner !== undefined) journal.count(`credentials ${manner}`);
        return manner;
      },
      destroy: () => {
        journal.count('destroyed by a policy');
        this.lifecycle.destroy();
      },
      asked: (choice, command, error, attempt) => this.workload.decide(choice, command, error, attempt),
    });
    const { redis, connection } = this.client;
    redis.events$.subscribe((event) => {
      if (event.type !== 'error' || event.connection !== 'commands') return;
      if (/^What \w+ took /.test(event.error.message)) this.notHandedOn++;
      else this.lastError = event.error;
    });
    this.lifecycle = new Lifecycle(redis, around, {
      submitted: () => this.workload.all.length,
      busyUntil: (since) => this.busyUntil(since),
    });
    watchSignIn(connection, () => linkOf.get(connection), around, {
      connecting: () => this.lifecycle.connecting,
      // Who is told of the refusal may send something at once.
      queued: () =>
        connection.line.queued -
        this.workload.unsettled.filter(({ submittedAt }) => submittedAt === timeline.now()).length,
    });
    this.states = new States(redis, around, {
      closing: () => this.lifecycle.closing !== undefined,
      onReady: (protocol) => {
        this.wasReady = true;
        referee.ready(linkOf.get(connection)!, protocol);
      },
      endedFor: () => linkOf.get(connection)!.endedFor,
      onFirstLoss: () => this.workload.checkBurst(),
    });
    this.memory = new Memory(this.client, settings);
  }

  async run(): Promise<void> {
    const end = this.schedule();
    await this.pace.runUntil(end + AFTERMATH);
    await this.settle(end + LONGEST_SETTLING);
    if (!this.lifecycle.over) await new Calm(this, this.atRest).pass();
    await new Ending(this).pass();
    checkWriteOrder(this.server.runs);
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
        this.workload.send(item);
        break;
      case 'join':
        this.observers.join(client.redis, item);
        if (this.witness !== undefined) for (const topic of topicsIn(client)) this.witness('topic', topic);
        break;
      case 'monitor':
        this.monitors.watch(client.redis, item);
        break;
      case 'dedicated':
        this.leases.dedicated(item);
        break;
      case 'watch':
        this.leases.watch(item);
        break;
      case 'take':
        this.takes.begin(item);
        break;
      case 'tail':
        this.streams.tails.begin(item);
        break;
      case 'consume':
        this.streams.consumers.begin(item);
        break;
      case 'work':
        this.jobs.begin(item);
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
        this.referee.rotated(item.wrongly ? 2 : 1);
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
    const link = this.network.latest;
    const { all, unsettled } = this.workload;
    if (
      link?.ready !== true ||
      this.forMessages.length > 0 ||
      this.monitors.any ||
      this.leases.any ||
      this.takes.any ||
      this.streams.any ||
      this.jobs.any
    )
      return undefined;
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
    for (const link of this.network.open) this.referee.look(link);
    for (const sent of this.workload.unsettled) {
      if (sent.latest < this.timeline.now())
        sent.fail(`has not settled by ${this.timeline.now()}, it was due by ${sent.due}`);
    }
  }
}

function isServerItem(item: Item): item is ServerItem {
  return [
    'publish',
    'push',
    'element',
    'entry',
    'job',
    'seize',
    'reap',
    'trim',
    'steal',
    'restart',
    'failover',
    'touch',
    'retype',
    'refuse',
    'kill',
    'scriptFlush',
    'sleep',
    'migrate',
  ].includes(item.kind);
}

function isLinkItem(item: Item): item is LinkItem {
  return item.kind === 'link';
}

function failureOf({ state$: { value } }: Connection): unknown {
  return value.kind === 'closed' ? value.error : undefined;
}

/** To the client it is no Redis: it was greeted with what is no RESP, or with another RESP than it asks for, or contradicts itself. */
function isNoRedis({ contradicted, poisoned, readyAt, peer }: Link, { protocol }: Settings): boolean {
  return contradicted || (poisoned && readyAt === Infinity) || (protocol === 3 && peer.helloAnswer !== undefined);
}
