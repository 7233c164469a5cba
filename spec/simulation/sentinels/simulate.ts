import { stage as stageKey, type Stage } from '../../../src/connection/stage';
import { Redis } from '../../../src/redis';
import { Journal } from '../journal';
import { Pace } from '../pace';
import { Timeline } from '../timeline';
import { drawWorld, type Happening, type World } from './draw';
import { SimulatedSentinel, SimulatedServer } from './hosts';
import { dialIn } from '../dial-in';
import { Wire, type Host, type Watcher } from './wire';

/** More attempts than these within a second are a loop without delay. */
const MOST_DIALS = 20;
/** How long the client may take to turn to a server that it has been told of, ms. */
const LONGEST_TURN = 200;
const LONGEST_HOLD = 2_000;
/** A replica that is a master so long after the announcement, ms, is found to be one before the hold ends. */
const LATEST_PROMOTION = 1_400;
/** What all sentinels know, and none tells, is known to the client after so many ms. */
const LONGEST_POLL = 12_000;
/** How long a sentinel knows, and tells, nothing of a slow failover, ms. */
const SLOW = 8_000;
const COMMAND_TIMEOUT = 5_000;
/** Everything is asked again within so many ms. */
const CALM = 25_000;
const SERVICE = 'mymaster';

/** Runs one seed, and tells what was against the rules. */
export async function simulateSentinels(seed: number, lines?: string[]): Promise<readonly string[]> {
  const timeline = new Timeline();
  const journal = new Journal(() => timeline.now(), lines);
  const { random } = Math;
  Math.random = () => 0.5;
  try {
    await new Simulation(drawWorld(seed), timeline, journal).run();
  } catch (error) {
    journal.fail(`the run was broken off: ${(error as Error).stack ?? String(error)}`);
  } finally {
    Math.random = random;
  }
  return journal.violations;
}

/** One call, and what became of it. */
interface Call {
  readonly key: string;
  readonly at: number;
  outcome?: 'answered' | 'failed';
}

class Simulation {
  private readonly servers: readonly SimulatedServer[];
  private readonly sentinels: readonly SimulatedSentinel[];
  private readonly redis: Redis;
  private readonly pace: Pace;
  private readonly calls: Call[] = [];
  private readonly dials: { readonly host: Host; readonly at: number }[] = [];
  /** When a switch was told last that the client has heard of, and where to. */
  private switched: { readonly at: number; readonly to: number } | undefined;
  /** Since when the queue is to be held, and until when. */
  private held: { readonly by: SimulatedSentinel; readonly until: number } | undefined;
  /** The replica that is promoted, by the last word that the client has heard. */
  private announced: { readonly at: number; readonly port: number } | undefined;
  /** When the master became one, and since when all sentinels know that which learn anything. */
  private promotedAt = -Infinity;
  private knownSince = -Infinity;
  /** When a sentinel was disturbed last. */
  private disturbedAt = -Infinity;
  /** When the master has run a command last. */
  private settledAt = -Infinity;
  private master = 0;
  private epoch = 1;
  private isOver = false;

  constructor(
    private readonly world: World,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
  ) {
    this.pace = new Pace(timeline, journal);
    this.servers = world.servers.map(
      (distance, at) =>
        new SimulatedServer(at + 1, at === 0 ? 'master' : 'slave', distance, (server, wire, key) =>
          this.received(server, wire, key),
        ),
    );
    this.sentinels = world.sentinels.map(
      (distance, at) => new SimulatedSentinel(at + 11, distance, { master: 1, epoch: 1 }, () => this.sentinels),
    );
    const hosts = new Map<number, Host>([...this.servers, ...this.sentinels].map((host) => [host.port, host]));
    const watcher: Watcher = {
      wrote: (host, wire, words) => this.wrote(host, wire, words),
      left: (host, wire) => this.left(host, wire),
    };
    const wireTo = (host: Host) => new Wire(host, timeline.now(), timeline, watcher);
    const dial = dialIn(hosts, timeline, (host) => this.dialled(host), wireTo);
    const own: Stage = {
      partsFor: () => ({ dial, clock: timeline.clock }),
      made: () => undefined,
      subscribesBy: () => undefined,
    };
    const options = {
      sentinels: this.sentinels.slice(0, world.given).map(({ port }) => ({ host: 'sentinel', port })),
      service: SERVICE,
      commandTimeout: COMMAND_TIMEOUT,
      offlineQueue: Infinity,
    };
    this.redis = new Redis(Object.assign(options, { [stageKey]: own }));
    this.redis.events$.subscribe((event) =>
      journal.note('event', event.type, 'error' in event ? event.error.message : ''),
    );
  }

  async run(): Promise<void> {
    const { world, timeline } = this;
    for (const happening of world.happenings) timeline.after(happening.at, () => this.happen(happening));
    for (const at of world.cuts) timeline.after(at, () => this.cutMaster());
    for (let at = 0; at < world.end; at += world.pace) timeline.afterInProcess(at, () => this.call());
    await this.pace.runUntil(world.end + COMMAND_TIMEOUT);
    await this.beCalm();
    this.judgeCalls();
    this.isOver = true;
    timeline.touched = true;
    void this.redis.destroy();
    await this.pace.pass(1);
    const open = [...this.servers, ...this.sentinels].filter(({ wires }) => wires.size > 0);
    if (open.length > 0) this.journal.fail(`connections outlive the client: ${open.map(({ name }) => name).join()}`);
    if (timeline.timers > 0) this.journal.fail(`${timeline.timers} timers outlive the client`);
  }

  /** All is well again, but for a sentinel that stays behind: the client finds the master, and stays there. */
  private async beCalm(): Promise<void> {
    for (const server of this.servers) {
      if (server.state !== 'up') server.rise();
      server.role = server.port === this.master + 1 ? 'master' : 'slave';
    }
    this.sentinels.forEach((sentinel, at) => {
      sentinel.state = 'up';
      sentinel.isInTilt = false;
      for (const wire of [...sentinel.wires]) wire.read();
      if (at !== this.world.stuck) sentinel.view = { master: this.master + 1, epoch: this.epoch };
    });
    await this.pace.pass(CALM);
    const last = this.call();
    await this.pace.pass(1_000);
    if (last.outcome !== 'answered') this.journal.fail(`in calm a command is ${last.outcome ?? 'not answered'}`);
    const there = this.servers[this.master]!;
    if (!there.run.includes(last.key)) this.journal.fail(`in calm the client is not at ${there.name}`);
  }

  private call(): Call {
    const call: Call = { key: `key:${this.calls.length}`, at: this.timeline.now() };
    this.calls.push(call);
    this.timeline.touched = true;
    this.redis.incr(call.key).subscribe({
      next: () => this.ended(call, 'answered'),
      error: () => this.ended(call, 'failed'),
    });
    return call;
  }

  private ended(call: Call, outcome: 'answered' | 'failed'): void {
    call.outcome = outcome;
    const took = this.timeline.now() - call.at;
    // Limits are looked at every few milliseconds.
    if (took > COMMAND_TIMEOUT + 50) this.journal.fail(`${call.key} has taken ${took} ms`);
  }

  private judgeCalls(): void {
    const runs = new Map<string, number>();
    for (const { run } of this.servers) for (const key of run) runs.set(key, (runs.get(key) ?? 0) + 1);
    for (const { key, outcome } of this.calls) {
      const times = runs.get(key) ?? 0;
      if (outcome === undefined) this.journal.fail(`${key} is never settled`);
      if (times > 1) this.journal.fail(`${key} is counted ${times} times`);
      if (outcome === 'answered' && times === 0) this.journal.fail(`${key} was answered and never run`);
    }
  }

  private dialled(host: Host): void {
    const at = this.timeline.now();
    this.journal.note('dial', host.name);
    this.dials.push({ host, at });
    const isSame = host instanceof SimulatedServer ? SimulatedServer : SimulatedSentinel;
    const recent = this.dials.filter((one) => one.at > at - 1_000 && one.host instanceof isSame);
    const most = isSame === SimulatedServer ? MOST_DIALS : MOST_DIALS * this.sentinels.length;
    if (recent.length > most) this.journal.fail(`${recent.length} attempts within a second`);
  }

  private wrote(host: Host, wire: Wire, [name = '', key = '']: readonly string[]): void {
    if (!(host instanceof SimulatedServer) || name !== 'INCR') return;
    const { switched, held, announced, master, promotedAt } = this;
    const now = this.timeline.now();
    wire.isUsed = true;
    const isPromoted = announced?.port === master + 1 && promotedAt <= announced.at + LATEST_PROMOTION;
    if (isPromoted && host.port !== announced.port) {
      if (now > announced.at + LONGEST_HOLD + 10)
        this.journal.fail(`${key} is sent to ${host.name}, and its replica is a master`);
    }
    if (host.port !== master + 1 && now > Math.max(this.knownSince, this.disturbedAt) + LONGEST_POLL) {
      this.journal.fail(`${key} is sent to ${host.name}, and the sentinels have known another for long`);
    }
    if (host.port !== master + 1 && this.isSettled(wire.openedAt)) {
      this.journal.fail(`${key} is sent to ${host.name}, and the client was at the next master before`);
    }
    if (wire.said !== 'master') this.journal.fail(`${key} is sent to ${host.name}, which said it is ${wire.said}`);
    if (switched !== undefined && wire.openedAt < switched.at && host.port !== switched.to) {
      this.journal.fail(`${key} is sent to ${host.name} after another master was told of`);
    }
    // Also by a connection that is made meanwhile, unless it leads to the replica.
    if (held !== undefined && now < held.until && host.port !== announced?.port) {
      this.journal.fail(`${key} is sent to ${host.name}, whose replica is being promoted`);
    }
  }

  /** A connection that is made then is told the truth by whatever sentinel is not stuck, and the client has been there before. */
  private isSettled(at: number): boolean {
    const isCalm = this.disturbedAt === -Infinity && this.knownSince < at - 1_000;
    return (
      isCalm && this.promotedAt < this.settledAt && this.settledAt < at && (this.switched?.at ?? 0) < this.settledAt
    );
  }

  private left(host: Host, wire: Wire): void {
    const { switched, promotedAt, isOver } = this;
    if (isOver || !wire.isUsed || host.port !== this.master + 1 || host.state !== 'up') return;
    const isTold = switched !== undefined && switched.to !== host.port;
    if (!isTold && promotedAt < this.timeline.now() - 5_000) {
      this.journal.fail(`${host.name} is the master and was left, and nothing was told`);
    }
  }

  private cutMaster(): void {
    if (this.isOver) return;
    const { wires } = this.servers[this.master]!;
    for (const wire of [...wires]) wire.cut();
  }

  private received(server: SimulatedServer, _wire: Wire, key: string): void {
    if (server.port === this.master + 1) this.settledAt = this.timeline.now();
    this.journal.note('runs', server.name, key);
  }

  private happen(happening: Happening): void {
    if (this.isOver) return;
    this.journal.note('happens', happening.kind);
    const by = 'by' in happening ? this.sentinels[happening.by]! : undefined;
    switch (happening.kind) {
      case 'failover':
        this.failOver(happening);
        return;
      case 'aborted':
        this.promoting(by!, 1);
        this.timeline.after(happening.after, () => this.abort(by!));
        return;
      case 'lie':
        this.tellSwitch(by!, happening.to + 1);
        return;
      case 'others':
        by!.tell('+switch-master', `other ${this.words(1)} ${this.words(happening.to + 1)}`);
        by!.tell('+failover-state-send-slaveof-noone', `slave a:1 a 1 @ other ${this.words(1)}`);
        return;
      case 'away':
        this.disturbed(happening.for);
        by!.state = happening.state;
        if (happening.state === 'down') by!.cut();
        this.timeline.after(happening.for, () => {
          by!.state = 'up';
          for (const wire of [...by!.wires]) wire.read();
        });
        return;
      case 'tilt':
        this.disturbed(happening.for);
        by!.isInTilt = true;
        this.timeline.after(happening.for, () => (by!.isInTilt = false));
        return;
      case 'cut':
        this.disturbed(0);
        by!.cut();
        return;
    }
  }

  private disturbed(ms: number): void {
    this.disturbedAt = Math.max(this.disturbedAt, this.timeline.now() + ms);
  }

  private failOver(happening: Happening & { kind: 'failover' }): void {
    const { how, to, promotion, lags, trouble } = happening;
    if (to === this.master) return;
    const told = trouble === 'slow' ? SLOW : happening.told;
    const conversion = trouble === undefined ? happening.conversion : SLOW + 12_000;
    const mute = happening.mute.map((isMute) => isMute || trouble === 'unheard');
    const latest = Math.max(0, ...lags.filter((_, at) => at > 0 && at !== this.world.stuck));
    const isKnown = this.sentinels.length > (this.world.stuck === undefined ? 0 : 1);
    const { timeline } = this;
    const old = this.servers[this.master]!;
    const next = this.servers[to]!;
    const leader = this.sentinels[0]!;
    if (next.state !== 'up') next.rise();
    if (how !== 'ordered') old.fall(how === 'killed' ? 'down' : 'hung');
    if (mute[0] !== true) this.promoting(leader, next.port);
    timeline.after(promotion, () => {
      if (this.isOver) return;
      next.role = 'master';
      this.master = to;
      const epoch = ++this.epoch;
      this.promotedAt = timeline.now();
      this.knownSince = isKnown ? this.promotedAt + told + latest : Infinity;
      timeline.after(conversion, () => {
        if (this.master === to) old.role = 'slave';
      });
      this.sentinels.forEach((sentinel, at) =>
        timeline.after(told + (at === 0 ? 0 : lags[at]!), () => {
          if (at === this.world.stuck || sentinel.view.epoch > epoch) return;
          sentinel.view = { master: next.port, epoch };
          if (mute[at] !== true) this.tellSwitch(sentinel, next.port);
        }),
      );
    });
  }

  private words(port: number): string {
    return `server ${port}`;
  }

  /** The queue of a client that hears it is held from now on. */
  private promoting(sentinel: SimulatedSentinel, port: number): void {
    const message = `slave server:${port} ${this.words(port)} @ ${SERVICE} ${this.words(this.master + 1)}`;
    sentinel.tell('+failover-state-send-slaveof-noone', message, () => {
      const at = this.timeline.now();
      this.held = { by: sentinel, until: at + LONGEST_HOLD };
      this.announced = { at, port };
    });
  }

  /** What waits because of a promotion waits no longer. */
  private abort(sentinel: SimulatedSentinel): void {
    sentinel.tell('-failover-abort-no-good-slave', `master ${SERVICE} ${this.words(this.master + 1)}`, () => {
      // One that was not elected says nothing of a promotion by another.
      if (this.held?.by !== sentinel) return;
      const at = this.timeline.now();
      this.held = undefined;
      this.announced = undefined;
      const { links } = this.redis.inspect();
      if (links.length === 0) return;
      // What is owed is waited for.
      this.timeline.afterInProcess(100, () => {
        const { state, queued } = this.redis.inspect();
        // One that hangs answers nothing, so nothing more is written.
        const isUp = this.dials.findLast(({ host }) => host instanceof SimulatedServer)?.host.state === 'up';
        const isStill = isUp && this.held === undefined && (this.switched?.at ?? -1) < at - LONGEST_TURN;
        if (isStill && state === 'ready' && queued > 0) this.journal.fail('commands wait for a promotion that is off');
      });
    });
  }

  /** The client leaves what is not that server, and turns to it soon. */
  private tellSwitch(sentinel: SimulatedSentinel, port: number): void {
    const message = `${SERVICE} ${this.words(1)} ${this.words(port)}`;
    sentinel.tell('+switch-master', message, () => {
      const at = this.timeline.now();
      this.switched = { at, to: port };
      this.held = undefined;
      this.announced = undefined;
      const isServer = ({ host }: { host: Host }) => host instanceof SimulatedServer;
      const latest = this.dials.findLast(isServer);
      if (latest === undefined || latest.host.port === port) return;
      this.timeline.afterInProcess(LONGEST_TURN, () => {
        if (this.isOver || this.switched?.at !== at) return;
        const since = this.dials.filter((one) => isServer(one) && one.at >= at);
        // What the sentinel answers to the question that follows may be truer than what it told.
        if (!since.some(({ host }) => host.port === port || host.port === this.master + 1)) {
          this.journal.fail(`the client was told of server:${port}, and has not turned to it`);
        }
      });
    });
  }
}
