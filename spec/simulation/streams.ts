import type { SimulatedClient } from './client';
import { Consumers } from './consumers';
import type { Journal } from './journal';
import type { Network } from './network';
import type { Pace } from './pace';
import type { StreamEvents } from './rules/stream-events';
import { GROUP, type Server } from './server';
import { Tails, tailedStreams } from './tails';
import type { Timeline } from './timeline';

/** How long entries take to those that read them, and how often they are waited for once more; ms. */
const A_WHILE = 700;
const MOST_WAITS = 60;
/** So long entries are on their way when those that read them leave; ms. */
const UNDER_WAY = 4;

/** All who read streams: those that tail, and those that consume. */
export class Streams {
  readonly tails: Tails;
  readonly consumers: Consumers;

  constructor(
    client: () => SimulatedClient,
    private readonly tell: StreamEvents,
    timeline: Timeline,
    private readonly journal: Journal,
    private readonly server: Server,
  ) {
    this.tails = new Tails(client, tell, timeline, journal);
    this.consumers = new Consumers(client, tell, timeline, journal);
  }

  get any(): boolean {
    return this.tails.all.length > 0 || this.consumers.all.length > 0;
  }

  /** Nothing is broken any more: those that read get all that is there and that comes now. Then they leave. */
  async calm(pace: Pace, network: Network): Promise<void> {
    for (const { peer } of network.slow) this.server.hangUp(peer);
    await this.catchUp(pace);
    this.tell.streamsCalmed();
    await this.catchUp(pace);
    this.tell.streamsRested(this.remains);
    this.addToAll();
    await pace.pass(UNDER_WAY);
    this.leaveAll();
  }

  /** What is added now comes to all, with all that was there before it. */
  private async catchUp(pace: Pace): Promise<void> {
    this.addToAll();
    for (let waits = 0; waits === 0 || (this.isBehind && waits < MOST_WAITS); waits++) await pace.pass(A_WHILE);
  }

  leaveAll(): void {
    for (const { leave } of [...this.tails.all, ...this.consumers.all]) leave();
  }

  /** All is over, so all have ended, and nothing is left of them at the server. */
  check(): void {
    const { journal, tails, consumers, server } = this;
    for (const { tail } of tails.all) if (tail.outcome === undefined) journal.fail(`tail ${tail.id} has never ended`);
    for (const { consumer } of consumers.all)
      if (consumer.outcome === undefined) journal.fail(`consumer ${consumer.id} has never ended`);
    const { waits } = server.streamDesk;
    if (waits > 0) journal.fail(`${waits} connections wait at the server for entries that nobody wants`);
    this.tell.streamsConcluded(this.remains);
  }

  private addToAll(): void {
    const names = this.tails.all.flatMap(({ tail }) => tailedStreams(tail.item));
    for (const name of new Set([...names, ...this.consumers.all.map(({ consumer }) => consumer.stream)]))
      this.server.addEntry(name);
  }

  /** Somebody has not got the last entry, or something is not handled, or not acknowledged, that somebody handles. */
  private get isBehind(): boolean {
    const isTailBehind = this.tails.all.some(({ tail }) => {
      const isWaiting = (name: string) => tail.lastIds.get(name) !== this.server.streamDesk.commands.lastId(name);
      return tail.outcome === undefined && tailedStreams(tail.item).some(isWaiting);
    });
    return isTailBehind || this.areConsumersBehind;
  }

  private get areConsumersBehind(): boolean {
    return this.consumers.all.some(({ consumer }) => {
      if (consumer.outcome !== undefined) return false;
      const remains = this.remains(consumer.stream);
      return remains === undefined || remains.undelivered > 0 || remains.pending.length > 0;
    });
  }

  private readonly remains = (stream: string) => this.server.streamDesk.commands.remains(stream, GROUP);
}
