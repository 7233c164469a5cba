import { SLOTS, hashSlot } from '../../../src/resp/hash-slot';
import type { Journal } from '../journal';
import type { Timeline } from '../timeline';
import { ALONE, type Config } from './config';
import { KEYS, USED, type World } from './draw';
import { Ledger, tagsOf, type Execution } from './ledger';
import { SimulatedNode, keysOf, type Surroundings } from './node';

/** The slots that are used, and a hash tag of each. */
const TAGS = hashTags(USED);

/** The key of a number. */
export function keyOf(number: number): string {
  return `{${TAGS[Math.floor(number / KEYS) % USED]!}}${number % KEYS}`;
}

/** A shard channel of a number: those of the first slots. */
export function channelOf(number: number): string {
  return `{${TAGS[number % USED]!}}c`;
}

/** The nodes, what they know, and what they run. */
export class SimulatedCluster implements Surroundings {
  readonly nodes: readonly SimulatedNode[];
  readonly ledger = new Ledger();
  readonly endpoint: Surroundings['endpoint'];
  readonly readsReplicas: boolean;
  /** Slots that were moved key by key at some time: their keys have been at two nodes at once. */
  readonly migrated = new Set<number>();
  private readonly asks = new Set<string>();
  /** Who has what, as all will know in the end. */
  config: Config;
  isOver = false;
  /** When slots got another owner, which takes writes from then on. */
  readonly changes: { readonly at: number; readonly slots: ReadonlySet<number> }[] = [];
  private told = 0;

  constructor(
    readonly world: World,
    private readonly timeline: Timeline,
    private readonly journal: Journal,
    private readonly published: (kind: 'shard' | 'channel', channel: string, tag: string, isElsewhere: boolean) => void,
  ) {
    const { masters, distances } = world;
    this.endpoint = world.options.endpoint;
    this.readsReplicas = world.options.reads !== 'master';
    // A spare node has no slots yet.
    const owners = Array.from({ length: SLOTS }, (_, slot) => Math.floor((slot * world.shards) / SLOTS));
    this.config = { epoch: 1, owners, masters };
    this.nodes = masters.map((_, index) => new SimulatedNode(index, distances[index]!, this.config, this));
  }

  /** The node that has a slot, as all will know it in the end. */
  ownerOf(slot: number): SimulatedNode | undefined {
    return this.nodes[this.config.owners[slot]!];
  }

  get members(): readonly SimulatedNode[] {
    return this.nodes.filter(({ index }) => this.config.masters[index]! >= 0);
  }

  /** Those that CLUSTER SLOTS names. */
  get named(): ReadonlyMap<SimulatedNode, 'master' | 'replica'> {
    const { owners, masters } = this.config;
    const named = new Map<SimulatedNode, 'master' | 'replica'>();
    for (const node of this.nodes) {
      const master = masters[node.index]!;
      if (master >= 0 && owners.includes(master)) named.set(node, master === node.index ? 'master' : 'replica');
    }
    return named;
  }

  run(node: SimulatedNode, words: readonly string[]): readonly Execution[] {
    const [name = ''] = words;
    const keys = name === 'PUBLISH' ? [words[1]!] : keysOf(words);
    const tags = tagsOf(words);
    return keys.map((key, at) => {
      const slot = hashSlot(key);
      const facts = { name, key, tag: tags[at] ?? '', slot, node, at: this.timeline.now() };
      this.journal.note('runs', node.name, name, key, facts.tag);
      return this.ledger.add(facts);
    });
  }

  publish(node: SimulatedNode, kind: 'shard' | 'channel', channel: string, tag: string): number {
    const to = kind === 'shard' ? [node] : this.nodes.filter((one) => one === node || this.hears(one, node));
    let count = 0;
    for (const one of this.nodes) {
      for (const [wire, { channels, shards }] of one.sessions.open) {
        if (!(kind === 'shard' ? shards : channels).has(channel) || !to.includes(one)) continue;
        if (one === node) count++;
        const words = [kind === 'shard' ? 'smessage' : 'message', channel, tag];
        wire.send(`>3\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`);
      }
    }
    const isElsewhere = this.nodes.some(
      (one) =>
        !to.includes(one) &&
        one.sessions.open.some(([, { channels, shards }]) => (kind === 'shard' ? shards : channels).has(channel)),
    );
    this.published(kind, channel, tag, isElsewhere);
    return count;
  }

  /** Another client publishes. */
  tell(kind: 'shard' | 'channel', number: number): void {
    const channel = channelOf(number);
    const node = this.ownerOf(hashSlot(channel));
    if (node === undefined || node.state === 'down' || node.state === 'hung' || node.isFailing || node.isLoading)
      return;
    if (node.known.owners[hashSlot(channel)] !== node.index) return;
    this.journal.note('news', node.name, kind, channel, `news.${this.told}`);
    this.publish(node, kind, channel, `news.${this.told++}`);
  }

  /** Whether a channel comes to the client: a shard's from its owner, others from a member. Real nodes name no replica that hangs, these do. */
  hasObserver(of: 'shard' | 'channel', channel: string): boolean {
    const from = of === 'shard' ? [this.ownerOf(hashSlot(channel))!] : [...this.named.keys()];
    return from.some(({ sessions }) =>
      sessions.open.some(([, { channels, shards }]) => (of === 'shard' ? shards : channels).has(channel)),
    );
  }

  private hears(one: SimulatedNode, other: SimulatedNode): boolean {
    const { masters } = this.config;
    const areMembers = masters[one.index]! >= 0 && masters[other.index]! >= 0;
    return areMembers && !one.isApart && !other.isApart && one.state !== 'hung' && one.state !== 'down';
  }

  toldRefusal(node: SimulatedNode, words: readonly string[], reply: string): void {
    const now = this.timeline.now();
    this.ledger.refused(node, words, now);
    this.ledger.sentAway(words, now, /^-(MOVED|ASK) /.test(reply));
  }

  toldAsk(to: number, words: readonly string[]): void {
    this.asks.add(`${to} ${words.join(' ')}`);
  }

  wasToldAsk(at: number, words: readonly string[]): boolean {
    return this.asks.has(`${at} ${words.join(' ')}`);
  }

  note(what: string, ...facts: readonly string[]): void {
    this.journal.note(what, ...facts);
  }

  fail(violation: string): void {
    this.journal.fail(violation);
  }

  later(delay: number, work: () => void): void {
    this.timeline.after(delay, () => this.isOver || work());
  }

  /** Something changes: each node learns it in its time. */
  change(lags: readonly number[], change: (owners: number[], masters: number[]) => void): void {
    const owners = [...this.config.owners];
    const masters = [...this.config.masters];
    change(owners, masters);
    const slots = new Set([...owners.keys()].filter((slot) => owners[slot] !== this.config.owners[slot]));
    if (slots.size > 0) this.changes.push({ at: this.timeline.now(), slots });
    const config = (this.config = { epoch: this.config.epoch + 1, owners, masters });
    for (const node of this.nodes) this.teach(node, config, lags[node.index] ?? 0);
  }

  private teach(node: SimulatedNode, config: Config, lag: number): void {
    const { early } = this.world;
    const hear = (work: () => void) => () => {
      // What it does not hear now it is told when it is back.
      if (node.isApart || node.state === 'down' || node.state === 'hung') return;
      if (config.masters[node.index]! < 0) node.learn(ALONE);
      else work();
    };
    const learn = hear(() => {
      if (config.epoch > node.known.epoch) node.learn(config);
    });
    if (lag === 0) learn();
    else this.later(lag, learn);
    if (early > 0 && lag > 0)
      this.later(
        lag * (1 - early),
        hear(() => (node.epoch = Math.max(node.epoch, config.epoch))),
      );
  }

  /** A node is back, and hears of what has changed meanwhile. */
  catchUp(node: SimulatedNode, lag: number): void {
    this.later(lag, () => this.teach(node, this.config, 0));
  }

  /** All is well again: everything is there, and known to all. */
  calm(): void {
    this.isOver = true;
    for (const node of this.nodes) {
      node.isApart = node.isFailing = node.isLoading = false;
      if (this.config.masters[node.index]! < 0) {
        node.learn(ALONE);
        if (node.state !== 'down' && node.state !== 'up') node.rise();
        continue;
      }
      if (node.state !== 'up') node.rise();
    }
    const missing = this.config.owners.some((owner) => owner < 0);
    const home = this.config.masters.find((master, index) => master === index)!;
    const owners = this.config.owners.map((owner) => (owner < 0 ? home : owner));
    this.config = { ...this.config, owners, epoch: this.config.epoch + (missing ? 1 : 0) };
    for (const node of this.members) {
      node.leaving.clear();
      node.coming.clear();
      node.learn(this.config);
    }
  }
}

/** The slot of a number. */
export function slotAt(number: number): number {
  return hashSlot(keyOf(number * KEYS));
}

/** Hash tags of so many slots, spread over all. */
function hashTags(count: number): readonly string[] {
  const tags = new Map<number, string>();
  for (let i = 0; tags.size < count; i++) {
    const part = Math.floor((hashSlot(`t${i}`) * count) / SLOTS);
    if (!tags.has(part)) tags.set(part, `t${i}`);
  }
  return Array.from({ length: count }, (_, part) => tags.get(part)!);
}
