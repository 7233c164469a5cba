import type { Journal } from '../journal';
import type { Timeline } from '../timeline';
import type { Happening, World } from './draw';
import { SimulatedSentinel, SimulatedServer, type View } from './hosts';
import type { Wire } from './wire';

export const SERVICE = 'mymaster';

/** How long a sentinel knows, and tells, nothing of a slow failover, ms. */
const SLOW = 8_000;

/** What is told of the surroundings of the client. */
export interface Listener {
  /** a server runs or refuses a command */
  received(server: SimulatedServer, wire: Wire, key: string): void;
  /** the client has heard what a sentinel answers */
  heardAnswer(by: SimulatedSentinel, view: View): void;
  /** the client has heard that a replica is promoted, and in place of which master */
  heardPromotion(by: SimulatedSentinel, replica: number, replaced: number): void;
  /** the client has heard that a promotion is called off */
  heardAbort(by: SimulatedSentinel): void;
  /** the client has heard that the master is another */
  heardSwitch(by: SimulatedSentinel, port: number): void;
}

/** The servers and the sentinels of a service, and what befalls them. */
export class Surroundings {
  readonly servers: readonly SimulatedServer[];
  readonly sentinels: readonly SimulatedSentinel[];
  /** When the master became one, and since when all sentinels know that which learn anything. */
  promotedAt = -Infinity;
  knownSince = -Infinity;
  /** Until when a sentinel was disturbed last. */
  disturbedUntil = -Infinity;
  private at = 0;
  private epoch = 1;
  private isOver = false;

  constructor(
    private readonly world: World,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
    private readonly listener: Listener,
  ) {
    const received = (server: SimulatedServer, wire: Wire, key: string) => listener.received(server, wire, key);
    this.servers = world.servers.map(
      (distance, at) => new SimulatedServer(at + 1, at === 0 ? 'master' : 'slave', distance, received),
    );
    const others = () => this.sentinels;
    const heard = (by: SimulatedSentinel, view: View) => listener.heardAnswer(by, view);
    this.sentinels = world.sentinels.map(
      (distance, at) => new SimulatedSentinel(at + 11, distance, { master: 1, epoch: 1 }, others, heard),
    );
  }

  get master(): SimulatedServer {
    return this.servers[this.at]!;
  }

  begin(): void {
    const { world, timeline } = this;
    for (const happening of world.happenings) timeline.after(happening.at, () => this.happen(happening));
    for (const at of world.cuts) timeline.after(at, () => this.cutMaster());
  }

  /** Nothing happens any more. */
  end(): void {
    this.isOver = true;
  }

  /** All is well again, but for a sentinel that stays behind. */
  calmDown(): void {
    for (const server of this.servers) {
      if (server.state !== 'up') server.rise();
      server.role = server === this.master ? 'master' : 'slave';
    }
    this.sentinels.forEach((sentinel, at) => {
      sentinel.state = 'up';
      sentinel.isInTilt = false;
      for (const wire of [...sentinel.wires]) wire.read();
      if (at !== this.world.stuck) sentinel.view = { master: this.master.port, epoch: this.epoch };
    });
  }

  private cutMaster(): void {
    if (this.isOver) return;
    for (const wire of [...this.master.wires]) wire.cut();
  }

  private happen(happening: Happening): void {
    if (this.isOver) return;
    this.journal.note('happens', happening.kind);
    if (happening.kind === 'failover') this.failOver(happening);
    else this.befall(this.sentinels[happening.by]!, happening);
  }

  private befall(by: SimulatedSentinel, happening: Exclude<Happening, { kind: 'failover' }>): void {
    switch (happening.kind) {
      case 'aborted':
        this.tellPromotion(by, by.view.master === 1 ? 2 : 1);
        this.timeline.after(happening.after, () => this.tellAbort(by));
        return;
      case 'lie':
        this.tellSwitch(by, happening.to + 1);
        return;
      case 'others':
        by.tell('+switch-master', `other ${words(1)} ${words(happening.to + 1)}`);
        by.tell('+failover-state-send-slaveof-noone', `slave a:1 a 1 @ other ${words(1)}`);
        return;
      case 'away':
        this.disturbed(happening.for);
        by.state = happening.state;
        if (happening.state === 'down') by.cut();
        this.timeline.after(happening.for, () => {
          by.state = 'up';
          for (const wire of [...by.wires]) wire.read();
        });
        return;
      case 'tilt':
        this.disturbed(happening.for);
        by.isInTilt = true;
        this.timeline.after(happening.for, () => (by.isInTilt = false));
        return;
      case 'cut':
        this.disturbed(0);
        by.cut();
        return;
    }
  }

  private disturbed(ms: number): void {
    this.disturbedUntil = Math.max(this.disturbedUntil, this.timeline.now() + ms);
  }

  private failOver({ how, to, promotion, lags, trouble, ...happening }: Happening & { kind: 'failover' }): void {
    if (to === this.at) return;
    const told = trouble === 'slow' ? SLOW : happening.told;
    const conversion = trouble === undefined ? happening.conversion : SLOW + 12_000;
    const mute = happening.mute.map((isMute) => isMute || trouble === 'unheard');
    // One that stays behind is elected by none.
    const leader = this.world.stuck === 0 ? 1 : 0;
    const latest = Math.max(0, ...lags.filter((_, at) => at !== leader && at !== this.world.stuck));
    const isKnown = this.sentinels.length > (this.world.stuck === undefined ? 0 : 1);
    const { timeline, master: old } = this;
    const next = this.servers[to]!;
    if (next.state !== 'up') next.rise();
    if (how !== 'ordered') old.fall(how === 'killed' ? 'down' : 'hung');
    if (mute[leader] !== true) this.tellPromotion(this.sentinels[leader]!, next.port);
    timeline.after(promotion, () => {
      if (this.isOver) return;
      next.role = 'master';
      this.at = to;
      const epoch = ++this.epoch;
      this.promotedAt = timeline.now();
      this.knownSince = isKnown ? this.promotedAt + told + latest : Infinity;
      this.journal.note('promoted', next.name);
      timeline.after(conversion, () => {
        if (this.at === to) old.role = 'slave';
      });
      this.sentinels.forEach((sentinel, at) =>
        timeline.after(told + (at === leader ? 0 : lags[at]!), () => {
          if (at === this.world.stuck || sentinel.view.epoch > epoch) return;
          sentinel.view = { master: next.port, epoch };
          if (mute[at] !== true) this.tellSwitch(sentinel, next.port);
        }),
      );
    });
  }

  private tellPromotion(by: SimulatedSentinel, replica: number): void {
    const replaced = by.view.master;
    const message = `slave server:${replica} ${words(replica)} @ ${SERVICE} ${words(replaced)}`;
    by.tell('+failover-state-send-slaveof-noone', message, () => {
      this.journal.note('heard', by.name, 'promotes', replica, 'in place of', replaced);
      this.listener.heardPromotion(by, replica, replaced);
    });
  }

  private tellAbort(by: SimulatedSentinel): void {
    by.tell('-failover-abort-no-good-slave', `master ${SERVICE} ${words(by.view.master)}`, () => {
      this.journal.note('heard', by.name, 'promotes none');
      this.listener.heardAbort(by);
    });
  }

  private tellSwitch(by: SimulatedSentinel, port: number): void {
    by.tell('+switch-master', `${SERVICE} ${words(1)} ${words(port)}`, () => {
      this.journal.note('heard', by.name, 'names', port);
      this.listener.heardSwitch(by, port);
    });
  }
}

/** How a sentinel writes where a server is. */
function words(port: number): string {
  return `server ${port}`;
}
