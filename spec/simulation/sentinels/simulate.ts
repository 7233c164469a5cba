import { stage as stageKey, type Stage } from '../../../src/connection/stage';
import { Redis } from '../../../src/redis';
import { dialIn } from '../dial-in';
import { Journal } from '../journal';
import { Pace } from '../pace';
import { Timeline } from '../timeline';
import { drawWorld, type World } from './draw';
import { Referee } from './referee';
import { SERVICE, Surroundings } from './surroundings';
import { Wire, type Host } from './wire';

const COMMAND_TIMEOUT = 5_000;
/** Everything is asked again within so many ms. */
const CALM = 25_000;

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

/** A client behind sentinels, and all that it calls. */
class Simulation {
  private readonly around: Surroundings;
  private readonly referee: Referee;
  private readonly redis: Redis;
  private readonly pace: Pace;
  private readonly calls: Call[] = [];

  constructor(
    private readonly world: World,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
  ) {
    this.pace = new Pace(timeline, journal);
    this.referee = new Referee(
      () => this.around,
      timeline,
      journal,
      () => this.redis.inspect(),
    );
    this.around = new Surroundings(world, timeline, journal, this.referee);
    const { referee } = this;
    const hosts = new Map<number, Host>(this.hosts.map((host) => [host.port, host]));
    const wireTo = (host: Host) => new Wire(host, timeline.now(), timeline, referee);
    const dial = dialIn(hosts, timeline, (host) => referee.dialled(host), wireTo);
    const own: Stage = {
      partsFor: () => ({ dial, clock: timeline.clock }),
      made: () => undefined,
      subscribesBy: () => undefined,
    };
    const options = {
      sentinels: this.around.sentinels.slice(0, world.given).map(({ port }) => ({ host: 'sentinel', port })),
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
    const { world, timeline, around } = this;
    around.begin();
    for (let at = 0; at < world.end; at += world.pace) timeline.afterInProcess(at, () => this.call());
    await this.pace.runUntil(world.end + COMMAND_TIMEOUT);
    await this.beCalm();
    this.judgeCalls();
    around.end();
    this.referee.end();
    timeline.touched = true;
    void this.redis.destroy();
    await this.pace.pass(1);
    const open = this.hosts.filter(({ wires }) => wires.size > 0);
    if (open.length > 0) this.journal.fail(`connections outlive the client: ${open.map(({ name }) => name).join()}`);
    if (timeline.timers > 0) this.journal.fail(`${timeline.timers} timers outlive the client`);
  }

  private get hosts(): readonly Host[] {
    return [...this.around.servers, ...this.around.sentinels];
  }

  /** The client finds the master, and stays there. */
  private async beCalm(): Promise<void> {
    this.around.calmDown();
    await this.pace.pass(CALM);
    const last = this.call();
    await this.pace.pass(1_000);
    if (last.outcome !== 'answered') this.journal.fail(`in calm a command is ${last.outcome ?? 'not answered'}`);
    const { master } = this.around;
    if (!master.run.includes(last.key)) this.journal.fail(`in calm the client is not at ${master.name}`);
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
    for (const { run } of this.around.servers) for (const key of run) runs.set(key, (runs.get(key) ?? 0) + 1);
    for (const { key, outcome } of this.calls) {
      const times = runs.get(key) ?? 0;
      if (outcome === undefined) this.journal.fail(`${key} is never settled`);
      if (times > 1) this.journal.fail(`${key} is counted ${times} times`);
      if (outcome === 'answered' && times === 0) this.journal.fail(`${key} was answered and never run`);
    }
  }
}
