import { stage as stageKey, type Stage, type Viewed } from '../../../src/connection/stage';
import { RedisCluster } from '../../../src/redis-cluster';
import { Journal } from '../journal';
import { Pace } from '../pace';
import { Random } from '../random';
import { Spans } from '../spans';
import { Timeline } from '../timeline';
import { Workload } from './calls';
import { SimulatedCluster, keyOf } from './cluster';
import { KEYS, USED, type World } from './draw';
import { Happenings } from './happenings';
import { Messages } from './messages';
import { dialIn } from '../dial-in';
import { Wire, type Host, type Watcher } from './net';
import { Quickness } from './quickness';
import { Referee } from './referee';
import { Traffic } from './traffic';

/** Everything is asked again within so many ms. */
const CALM = 9_000;
/** A view is asked for without a reason so often, ms. */
const PERIOD = 38_000;

/** Spans change when callbacks run, so most worlds are without. It is not drawn, so worlds are what they were before there were any. */
function isTraced({ seed }: World): boolean {
  return seed % 8 === 5;
}

/** Runs one world, and tells what happened and what was against the rules. */
export async function simulateCluster(world: World, lines?: string[]): Promise<Journal> {
  const timeline = new Timeline();
  const journal = new Journal(() => timeline.now(), lines);
  const { random } = Math;
  const chance = new Random(world.seed);
  Math.random = () => chance.next();
  try {
    await new Simulation(world, timeline, journal).run();
  } catch (error) {
    journal.fail(`the run was broken off: ${(error as Error).stack ?? String(error)}`);
  } finally {
    Math.random = random;
  }
  return journal;
}

class Simulation {
  private readonly cluster: SimulatedCluster;
  private readonly client: RedisCluster;
  private readonly pace: Pace;
  private readonly workload: Workload;
  private readonly messages: Messages;
  private readonly referee: Referee;
  private readonly quickness: Quickness | undefined;
  /** Of the client, where its commands are traced. */
  private readonly spans: Spans;
  /** What the client knows of the nodes. */
  private known!: Viewed;
  /** The epoch of the newest view that has come to the client. */
  private newest = 0;

  constructor(
    private readonly world: World,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
  ) {
    this.pace = new Pace(timeline, journal);
    const cluster = (this.cluster = new SimulatedCluster(world, timeline, journal, (kind, channel, tag, isElsewhere) =>
      this.messages.note(kind, channel, tag, isElsewhere),
    ));
    const traffic = new Traffic(timeline, journal);
    const hosts = new Map(cluster.nodes.map((node) => [node.port, node]));
    const watcher: Watcher = {
      wrote: (host, words) => {
        traffic.wrote(host, words);
        cluster.ledger.wrote(hosts.get(host.port)!, words, timeline.now());
      },
      brings: (host, text, bring) => this.bring(host, text, bring),
    };
    const wireTo = (host: Host) => new Wire(host, timeline, watcher);
    const dial = dialIn(hosts, timeline, (host) => traffic.dialled(host), wireTo);
    const own: Stage = {
      partsFor: () => ({ dial, clock: timeline.clock }),
      made: () => undefined,
      subscribesBy: () => undefined,
      knowsBy: (nodes) => (this.known = nodes),
    };
    const { seeds, commandTimeout, readTimeout, offlineQueue, autoPipeline, reads } = world.options;
    const nodes = cluster.nodes.slice(0, seeds).map(({ port }) => ({ host: 'node', port }));
    const tracer = (this.spans = new Spans(journal));
    const telemetry = isTraced(world) && { tracer, meter: false as const };
    const connectTimeout = world.settles === undefined ? 1_000 : 10_000;
    const limits = { commandTimeout, readTimeout, offlineQueue, connectTimeout };
    const options = { nodes, autoPipeline, reads, telemetry, ...limits };
    this.client = new RedisCluster(Object.assign(options, { [stageKey]: own }));
    this.client.events$.subscribe((event) =>
      journal.note('event', event.type, 'error' in event ? event.error.message : ''),
    );
    this.referee = new Referee(cluster, journal, commandTimeout, world.settles);
    if (world.isSwift === true) this.quickness = new Quickness(world, cluster, journal);
    this.messages = new Messages(this.client, timeline, journal, Math.max(...world.distances));
    this.workload = new Workload(this.client, timeline, journal, (call) => this.referee.settled(call, timeline.now()));
  }

  async run(): Promise<void> {
    const { world, timeline, cluster, workload, messages } = this;
    const happenings = new Happenings(cluster);
    let end = 0;
    for (const item of world.items) {
      end = Math.max(end, item.at);
      if (item.kind === 'call') timeline.afterInProcess(item.at, () => workload.call(item));
      else if (item.kind === 'join') timeline.afterInProcess(item.at, () => messages.join(item));
      else if (item.kind === 'news') timeline.after(item.at, () => cluster.tell(item.of, item.channel));
      else timeline.after(item.at, () => happenings.happen(item));
    }
    await this.pace.runUntil(end + (world.settles === undefined ? 1_000 : 100));
    if (world.settles !== undefined) this.judgeSettled();
    await this.beCalm();
    await this.end();
    this.referee.judge(workload.calls);
    messages.judge();
    this.quickness?.judge(workload.calls, messages.observers);
  }

  /** Observers hear again, and no link leads to what no view names, before all is well by itself. */
  private judgeSettled(): void {
    const { cluster, messages, journal } = this;
    for (const { id, inGap, of, channel } of messages.observers) {
      const isHeard = cluster.hasObserver(of, channel);
      if (inGap || !isHeard) journal.fail(`observer ${id} hears nothing yet`);
    }
    for (const node of cluster.nodes)
      if (!cluster.named.has(node) && node.wires.size > 0) journal.fail(`a link to ${node.name} is left too long`);
  }

  /** Bytes come to the client. A view that is older than one that it has had changes nothing. */
  private bring(host: Host, text: string, bring: () => void): void {
    const epoch = Number(/cluster_current_epoch:(\d+)/.exec(text)?.[1] ?? NaN);
    if (epoch >= 0) this.journal.note('views', host.name, epoch, this.epochTaken);
    const before = epoch < this.newest ? this.owners() : undefined;
    bring();
    this.quickness?.knows(
      this.client.nodes.map(({ address }) => address),
      this.timeline.now(),
    );
    // Or one of another cluster is followed, when all have been asked.
    if (before !== undefined && before !== this.owners() && (this.epochTaken ?? 0) < this.newest)
      this.journal.fail(`the view of ${host.name} of epoch ${epoch} was taken, and one of ${this.newest} was known`);
    if (epoch > this.newest && text.includes('cluster_state:ok') && this.epochTaken === epoch) this.newest = epoch;
  }

  private get epochTaken(): number | undefined {
    return this.known.epoch;
  }

  private owners(): string {
    return this.slots.map((slot) => this.client.nodeFor(keyOf(slot * KEYS))).join();
  }

  private readonly slots = Array.from({ length: USED }, (_, slot) => slot);

  /** All is well again: the client finds out, serves everything, and keeps no link that it does not need. */
  private async beCalm(): Promise<void> {
    const { cluster, journal, messages, workload, pace } = this;
    journal.note('calm');
    cluster.calm();
    await pace.pass(CALM);
    const calls = this.slots.map((slot) => workload.call({ op: 'rpush', keys: [slot * KEYS], leaveAfter: undefined }));
    await pace.pass(500);
    // Without a reason the client asks for a view now and then.
    if (this.leftovers().length > 0) await pace.pass(PERIOD);
    for (const leftover of this.leftovers()) journal.fail(`in calm ${leftover}`);
    const there = messages.observers.filter(({ endedAt }) => endedAt === Infinity);
    for (const op of ['spublish', 'publish'] as const)
      for (let channel = 0; channel < 3; channel++)
        calls.push(workload.call({ op, keys: [op === 'spublish' ? channel * KEYS : channel], leaveAfter: undefined }));
    await pace.pass(500);
    for (const { outcome, id, op } of calls) {
      if (typeof outcome !== 'object' || outcome.kind !== 'value')
        journal.fail(`in calm call ${id} (${op}) is not answered`);
    }
    for (const { id, of, channel, tags, gaps } of there) {
      const wanted = of === 'shard' ? 'spublish' : 'publish';
      const own = calls.find(({ op, keys }) => op === wanted && keys[0] === channel);
      const wasInGap = gaps.some(({ to }) => to + 1 >= own!.at);
      if (!tags.includes(own!.writes[0]!.tag) && !wasInGap) journal.fail(`in calm observer ${id} is told nothing`);
    }
  }

  /** What the client has not found out yet, and the links that it does not need. */
  private leftovers(): readonly string[] {
    const { cluster, client } = this;
    const found: string[] = [];
    const known = client.nodes.map(({ address, role }) => `${address} ${role}`).sort();
    const named = [...cluster.named].map(([{ name }, role]) => `${name} ${role}`).sort();
    if (known.join() !== named.join()) found.push(`the client knows ${known.join()}, and there are ${named.join()}`);
    for (const node of cluster.nodes) {
      const { size } = node.wires;
      if (!cluster.named.has(node) && size > 0) found.push(`a link to ${node.name} is left, which no view names`);
      if (size > 4) found.push(`${size} links to ${node.name} are open`);
    }
    return found;
  }

  private async end(): Promise<void> {
    const { timeline, cluster, client, pace, journal } = this;
    timeline.touched = this.messages.isOver = true;
    let isClosed = false;
    const closed = this.world.options.closes ? client.close() : client.destroy();
    closed.subscribe(() => (isClosed = true));
    await pace.pass(100);
    if (!isClosed) journal.fail('the client does not end');
    const open = cluster.nodes.filter(({ wires }) => wires.size > 0);
    this.spans.check();
    if (open.length > 0) journal.fail(`links outlive the client: ${open.map(({ name }) => name).join()}`);
    if (timeline.timers > 0) journal.fail(`${timeline.timers} timers outlive the client`);
  }
}
