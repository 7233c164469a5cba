import type { SimulatedCluster } from './cluster';
import { keyOf, slotAt } from './cluster';
import { KEYS, type Happening } from './draw';
import type { Migration, SimulatedNode } from './node';

/** So soon a node that was told of a slot knows it, ms: longer ones are no state of a cluster that people would leave it in. */
const SOON = 200;

/** What befalls a cluster. What is not possible as it is just now does not happen. */
export class Happenings {
  constructor(private readonly cluster: SimulatedCluster) {}

  happen(happening: Happening): void {
    if (this.cluster.isOver) return;
    this.cluster.note('happens', JSON.stringify(happening));
    switch (happening.kind) {
      case 'failover':
        this.failOver(happening);
        return;
      case 'move':
        this.move(happening.slots.map(slotAt), happening.to, happening.lags);
        return;
      case 'migrate':
        this.migrate(happening);
        return;
      case 'unserved':
        this.unserve(happening);
        return;
      case 'leave':
        this.forget(happening);
        return;
      case 'restart':
        this.restart(happening);
        return;
      case 'away': {
        const node = this.cluster.nodes[happening.node]!;
        if (node.state !== 'up') return;
        node.fall(happening.state);
        this.cluster.later(happening.for, () => {
          if (node.state !== happening.state) return;
          node.rise();
          this.cluster.catchUp(node, 1);
        });
        return;
      }
      case 'cut':
        this.cluster.nodes[happening.node]!.cut();
        return;
    }
  }

  /** Slots that can go to a node: it is a master, and none of them is on its way elsewhere. */
  private move(slots: readonly number[], to: number, lags: readonly number[]): void {
    const own = slots.filter((slot) => this.mayMove(slot, to));
    if (own.length === 0) return;
    const from = new Set(own.map((slot) => this.cluster.config.owners[slot]!));
    const soon = lags.map((lag, index) =>
      index === to || from.has(index) ? Math.min(lag, index === to ? SOON : 0) : lag,
    );
    this.cluster.change(soon, (owners) => own.forEach((slot) => (owners[slot] = to)));
  }

  private mayMove(slot: number, to: number): boolean {
    const { owners, masters } = this.cluster.config;
    const [from, target] = [this.cluster.nodes[owners[slot]!], this.cluster.nodes[to]!];
    if (masters[to] !== to || from === undefined || from === target) return false;
    return [from, target].every((node) => node.state !== 'down' && !node.isApart && !node.leaving.has(slot));
  }

  private migrate({ slot: number, to, steps, lags }: Happening & { kind: 'migrate' }): void {
    const slot = slotAt(number);
    if (!this.mayMove(slot, to)) return;
    const from = this.cluster.config.owners[slot]!;
    const migration: Migration = { slot, from, to, moved: new Set() };
    this.cluster.migrated.add(slot);
    this.cluster.nodes[to]!.coming.set(slot, migration);
    this.cluster.nodes[from]!.leaving.set(slot, migration);
    const isUnderWay = () =>
      this.cluster.nodes[from]!.leaving.get(slot) === migration && this.cluster.config.owners[slot] === from;
    let at = 0;
    steps.slice(0, KEYS).forEach((step, index) => {
      at += step;
      this.cluster.later(at, () => isUnderWay() && migration.moved.add(keyOf(number * KEYS + index)));
    });
    this.cluster.later(at + steps.at(-1)!, () => {
      if (!isUnderWay() || this.cluster.config.masters[to] !== to) return;
      for (let key = 0; key < KEYS; key++) migration.moved.add(keyOf(number * KEYS + key));
      const soon = lags.map((lag, index) => (index === from || index === to ? Math.min(lag, SOON) : lag));
      this.cluster.change(soon, (owners) => (owners[slot] = to));
    });
  }

  private unserve({ slot: number, for: duration, lags }: Happening & { kind: 'unserved' }): void {
    const slot = slotAt(number);
    const owner = this.cluster.config.owners[slot]!;
    const node = this.cluster.nodes[owner];
    if (node === undefined || node.leaving.has(slot) || [...this.cluster.nodes].some(({ coming }) => coming.has(slot)))
      return;
    this.cluster.change(lags, (owners) => (owners[slot] = -1));
    this.cluster.later(duration, () => {
      const { owners, masters } = this.cluster.config;
      if (owners[slot] !== -1) return;
      const to = masters[owner] === owner ? owner : masters.find((master, index) => master === index)!;
      this.cluster.change(
        lags.map((lag, index) => (index === to ? 0 : lag)),
        (all) => (all[slot] = to),
      );
    });
  }

  private failOver(happening: Happening & { kind: 'failover' }): void {
    const { how, detection, outage, back, lags } = happening;
    const old = this.cluster.ownerOf(slotAt(happening.slot));
    if (old === undefined || old.state !== 'up' || old.isApart) return;
    if (how === 'ordered' || how === 'hung') old.fall('hung');
    if (how === 'killed') old.fall('down');
    if (how === 'apart') {
      old.isApart = true;
      this.cluster.later(detection, () => old.isApart && (old.isFailing = true));
    }
    const isGone = () => (how === 'apart' ? old.isApart : old.state !== 'up');
    this.cluster.later(detection, () => {
      if (!isGone()) return;
      const delay = how === 'ordered' ? 0 : outage;
      const others = this.cluster.members.filter((node) => node !== old && !node.isApart);
      if (delay > 0) for (const node of others) node.isFailing = true;
      this.cluster.later(delay, () => {
        for (const node of others) node.isFailing = false;
        if (isGone()) this.promote(old, lags);
        if (how === 'ordered') this.comeBack(old, 0, 1);
      });
    });
    if (how !== 'ordered')
      this.cluster.later(back, () => this.comeBack(old, how === 'killed' ? 100 : 0, lags[0]! / 10));
  }

  /** A replica of a master takes its place, and knows it first. */
  private promote(old: SimulatedNode, lags: readonly number[]): void {
    const next = this.cluster.members.find(
      (node) =>
        this.cluster.config.masters[node.index] === old.index && node !== old && node.state === 'up' && !node.isApart,
    );
    if (next === undefined) return;
    const soon = lags.map((lag, index) => (index === next.index ? 0 : Math.min(lag, 400)));
    this.cluster.change(soon, (owners, masters) => {
      owners.forEach((owner, slot) => owner === old.index && (owners[slot] = next.index));
      masters.forEach((master, index) => master === old.index && (masters[index] = next.index));
    });
    for (const node of this.cluster.nodes)
      for (const slot of [...node.coming.keys()])
        if (node.coming.get(slot)!.from === old.index) node.coming.delete(slot);
    for (const { slot } of [...old.leaving.values()]) this.cluster.later(0, () => old.leaving.delete(slot));
  }

  /** @param refusing how long it refuses all commands, ms */
  private comeBack(node: SimulatedNode, refusing: number, lag: number): void {
    node.isApart = false;
    node.isFailing = refusing > 0;
    if (refusing > 0) this.cluster.later(refusing, () => (node.isFailing = false));
    if (node.state !== 'up') node.rise();
    this.cluster.catchUp(node, lag);
  }

  private forget({ node: index, stops, lags }: Happening & { kind: 'leave' }): void {
    const { owners, masters } = this.cluster.config;
    const node = this.cluster.nodes[index]!;
    const isMaster = masters[index] === index;
    const heir = masters.findIndex((master, one) => master === one && one !== index && owners.includes(one));
    // The client is given some, and has to find one of them.
    const given = this.cluster.members.filter((one) => one.index < this.cluster.world.options.seeds);
    if (given.length === 1 && given[0] === node) return;
    const isMoving = this.cluster.nodes.some((one) => one.leaving.size > 0);
    if (masters[index]! < 0 || node.state !== 'up' || node.isApart || isMoving || (isMaster && heir < 0)) return;
    this.cluster.change(
      lags.map((lag, one) => (one === heir ? 0 : lag)),
      (all, following) => {
        all.forEach((owner, slot) => owner === index && (all[slot] = heir));
        following.forEach((master, one) => master === index && (following[one] = heir));
        following[index] = -1;
      },
    );
    if (stops) this.cluster.later(20, () => node.fall('down'));
  }

  private restart({ node: index, for: duration, loading, to, lags }: Happening & { kind: 'restart' }): void {
    const node = this.cluster.nodes[index]!;
    if (node.state !== 'up') return;
    node.fall('down');
    if (to !== undefined && to !== index) {
      this.cluster.later(duration / 2, () => {
        if (node.state !== 'down' || this.cluster.config.masters[to] !== to || node.leaving.size > 0) return;
        this.cluster.change(lags, (owners) =>
          owners.forEach((owner, slot) => {
            if (owner !== index) return;
            owners[slot] = to;
            // It may have been apart when it gave the slot away.
            this.cluster.nodes[to]!.leaving.delete(slot);
          }),
        );
      });
    }
    this.cluster.later(duration, () => {
      if (node.state !== 'down') return;
      node.isLoading = loading > 0;
      this.cluster.later(loading, () => (node.isLoading = false));
      this.comeBack(node, 100, lags[index]! / 10);
    });
  }
}
