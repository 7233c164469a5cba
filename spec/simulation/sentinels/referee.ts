import type { Inspection } from '../../../src/inspection';
import type { Journal } from '../journal';
import type { Timeline } from '../timeline';
import { SimulatedSentinel, SimulatedServer, type View } from './hosts';
import type { Listener, Surroundings } from './surroundings';
import type { Host, Watcher, Wire } from './wire';

/** More attempts than these within a second are a loop without delay. */
const MOST_DIALS = 20;
/** How long the client may take to turn to a server that it has been told of, ms. */
const LONGEST_TURN = 200;
const LONGEST_HOLD = 2_000;
/** A replica that is a master so long after the announcement, ms, is found to be one before the hold ends. */
const LATEST_PROMOTION = 1_400;
/** What all sentinels know, and none tells, is known to the client after so many ms. */
const LONGEST_POLL = 12_000;

/** For so long the client trusts what it has seen itself of a replica that was to be promoted, ms. */
const LONGEST_TRUST = 10_000;

/** Sees where the client leads its commands, and what it could know then. */
export class Referee implements Watcher, Listener {
  private readonly dials: { readonly host: Host; readonly at: number }[] = [];
  /** When a switch was told last that the client has heard of, and where to. */
  private switched: { readonly at: number; readonly by: SimulatedSentinel; readonly to: number } | undefined;
  /** What each sentinel has answered last, by what the client has heard. */
  private readonly answers = new Map<SimulatedSentinel, View & { readonly at: number }>();
  /** The replica that is promoted, by the last word that the client has heard: by whom, in whose place, and until when the queue is held. */
  private announced:
    | {
        readonly at: number;
        readonly by: SimulatedSentinel;
        readonly port: number;
        readonly replaced: number;
        until: number;
      }
    | undefined;
  /** The replica whose promotion was called off last. */
  private calledOff: { readonly at: number; readonly port: number } | undefined;
  /** The answer of the highest epoch that the client has heard. */
  private latest: View = { master: 1, epoch: -1 };
  /** When a command was written last that the master has run. */
  private settledAt = -Infinity;
  private isOver = false;

  constructor(
    private readonly around: () => Surroundings,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
    private readonly inspect: () => Inspection,
  ) {}

  /** The client is ended. */
  end(): void {
    this.isOver = true;
  }

  dialled(host: Host): void {
    const at = this.timeline.now();
    this.journal.note('dial', host.name);
    this.dials.push({ host, at });
    const isSame = host instanceof SimulatedServer ? SimulatedServer : SimulatedSentinel;
    const recent = this.dials.filter((one) => one.at > at - 1_000 && one.host instanceof isSame);
    const most = isSame === SimulatedServer ? MOST_DIALS : MOST_DIALS * this.around().sentinels.length;
    if (recent.length > most) this.journal.fail(`${recent.length} attempts within a second`);
  }

  wrote(host: Host, wire: Wire, [name = '', key = '']: readonly string[]): void {
    if (!(host instanceof SimulatedServer) || name !== 'INCR') return;
    const { switched, announced } = this;
    const { master, promotedAt, knownSince, disturbedUntil } = this.around();
    const now = this.timeline.now();
    wire.isUsed = true;
    // It has found out itself what has become of the replica.
    if (announced?.port === host.port) announced.until = Math.min(announced.until, now);
    const isPromoted = announced?.port === master.port && promotedAt <= announced.at + LATEST_PROMOTION;
    if (isPromoted && host !== master && now > announced.at + LONGEST_HOLD + 10)
      this.journal.fail(`${key} is sent to ${host.name}, and its replica is a master`);
    const trusted = announced?.port === host.port ? announced.at + LONGEST_HOLD + LONGEST_TRUST : -Infinity;
    if (host !== master && now > Math.max(knownSince, disturbedUntil, trusted) + LONGEST_POLL)
      this.journal.fail(`${key} is sent to ${host.name}, and the sentinels have known another for long`);
    // One that was to be promoted and says that it is a master is one, as far as the client can know.
    if (host !== master && announced?.port !== host.port && this.isSettled(wire.openedAt))
      this.journal.fail(`${key} is sent to ${host.name}, and the client was at the next master before`);
    if (wire.said !== 'master') this.journal.fail(`${key} is sent to ${host.name}, which said it is ${wire.said}`);
    if (switched !== undefined && wire.openedAt < switched.at && host.port !== switched.to)
      this.journal.fail(`${key} is sent to ${host.name} after another master was told of`);
    // Also by a connection that is made meanwhile, unless it leads to the replica.
    if (announced !== undefined && now < announced.until && host.port !== announced.port)
      this.journal.fail(`${key} is sent to ${host.name}, whose replica is being promoted`);
  }

  left(host: Host, wire: Wire): void {
    const { switched, isOver } = this;
    const { master, promotedAt } = this.around();
    if (isOver || !wire.isUsed || host !== master || host.state !== 'up') return;
    // What a sentinel has told, it may have taken back.
    const named = switched && [switched.to, this.answerOf(switched.by, switched.at)?.master ?? switched.to];
    const isTold = named?.some((port) => port !== host.port) === true || this.isCalledOff(host);
    if (!isTold && promotedAt < this.timeline.now() - 5_000)
      this.journal.fail(`${host.name} is the master and was left, and nothing was told`);
  }

  received(server: SimulatedServer, _wire: Wire, key: string): void {
    if (server === this.around().master) this.settledAt = this.timeline.now() - server.distance;
    this.journal.note('runs', server.name, key);
  }

  heardAnswer(by: SimulatedSentinel, view: View): void {
    const { switched, announced, latest } = this;
    this.answers.set(by, { ...view, at: this.timeline.now() });
    const isLater = view.epoch > latest.epoch;
    if (isLater) this.latest = view;
    const isCorrection = switched?.by === by && switched.to !== view.master;
    if ((isLater || isCorrection) && view.master !== announced?.replaced) this.announced = undefined;
  }

  /** The queue is held from now on. */
  heardPromotion(by: SimulatedSentinel, port: number, replaced: number): void {
    const at = this.timeline.now();
    this.announced = { at, by, port, replaced, until: at + LONGEST_HOLD };
  }

  /** What waits because of a promotion waits no longer. */
  heardAbort(by: SimulatedSentinel): void {
    // One that was not elected says nothing of a promotion by another.
    const { announced } = this;
    if (announced?.by !== by) return;
    this.calledOff = { at: this.timeline.now(), port: announced.port };
    this.announced = undefined;
    this.goesOn('off', this.switched);
  }

  /** The client leaves what is not that server, and turns to it soon. */
  heardSwitch(by: SimulatedSentinel, port: number): void {
    const at = this.timeline.now();
    const { switched, announced, server } = this;
    this.switched = { at, by, to: port };
    // It may be late, and name the one that is being replaced.
    if (announced?.replaced !== port || announced.until <= at) this.announced = undefined;
    if (server === undefined) return;
    if (server.port !== port) this.timeline.afterInProcess(LONGEST_TURN, () => this.judgeTurn(at));
    else if (announced?.port === port) this.goesOn('done', switched);
  }

  private judgeTurn(at: number): void {
    const { switched, latest } = this;
    if (this.isOver || switched?.at !== at) return;
    const { by, to } = switched;
    const since: (Host | undefined)[] = this.dials.filter((one) => one.at >= at).map(({ host }) => host);
    // What the sentinel answers to the question that follows counts for more; where it is behind, what others have answered does.
    const answer = this.answerOf(by, at);
    const isBehind = answer !== undefined && answer.epoch < latest.epoch;
    const right = [to, answer?.master, isBehind ? latest.master : undefined];
    if (![...since, this.server].some((host) => right.includes(host?.port)))
      this.journal.fail(`the client was told of server:${to}, and has not turned to it`);
  }

  /** What a sentinel has answered since that time, by what the client has heard. */
  private answerOf(by: SimulatedSentinel, since: number): View | undefined {
    const answer = this.answers.get(by);
    return answer !== undefined && answer.at >= since ? answer : undefined;
  }

  /** The client has just heard that this server is not promoted after all. */
  private isCalledOff({ port }: Host): boolean {
    const { calledOff } = this;
    return calledOff?.port === port && calledOff.at >= this.timeline.now() - LONGEST_TURN;
  }

  /**
   * What is queued is written, once what is owed has been waited for.
   * @param turned what was told before, for which the client may be leaving still
   */
  private goesOn(why: string, turned: { readonly at: number } | undefined): void {
    const { switched } = this;
    if (this.inspect().links.length === 0 || (turned?.at ?? -Infinity) > this.timeline.now() - LONGEST_TURN) return;
    this.timeline.afterInProcess(100, () => {
      const { state, queued } = this.inspect();
      const { server } = this;
      // One that hangs answers nothing, so nothing more is written. One that says that it is no master is left.
      const isWell = server?.state === 'up' && server.role === 'master';
      const isStill = isWell && this.announced === undefined && this.switched === switched;
      if (isStill && state === 'ready' && queued > 0) this.journal.fail(`commands wait for a promotion that is ${why}`);
    });
  }

  /** A connection that is made then is told the truth by whatever sentinel is not stuck, and the client has been there before. */
  private isSettled(at: number): boolean {
    const { disturbedUntil, knownSince, promotedAt } = this.around();
    const isCalm = disturbedUntil === -Infinity && knownSince < at - 1_000;
    // What was told after that, the client had to follow.
    const toldAt = Math.max(this.switched?.at ?? 0, this.calledOff?.at ?? 0);
    return isCalm && promotedAt < this.settledAt && this.settledAt < at && toldAt < this.settledAt;
  }

  /** The server to which the client leads, or was led last; a replica that it asks what has become of it is none. */
  private get server(): SimulatedServer | undefined {
    const { address } = this.inspect();
    return this.around().servers.find(({ name }) => name === address);
  }
}
