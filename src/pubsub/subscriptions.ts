import { EMPTY, catchError, finalize, merge, type Observable } from 'rxjs';
import { Command, type CommandSpec } from '../commands/command';
import { defineSpec } from '../commands/define-spec';
import type { Send } from '../connection/greeter';
import { ReplyError } from '../errors';
import { Topic } from './topic';

type OnMomentary = (error: ReplyError) => Observable<never>;

/** The three families of subscriptions that a server keeps apart. */
export type SubscriptionKind = 'channel' | 'pattern' | 'shard';

const initials: Record<SubscriptionKind, string> = { channel: '', pattern: 'P', shard: 'S' };

/** The topics of one kind: what its observers want, and what the server has been asked for. */
//  wanted: topics observed          asked: on the wire or confirmed
//  reconcile() sends the difference, so a topic left and joined again within a tick costs nothing
export class Subscriptions {
  private readonly topics = new Map<string, Topic>();
  private asked = new Set<string>();
  /** The names of each UNSUBSCRIBE that is not confirmed yet, and may not even be sent. */
  private readonly leaving = new Set<readonly string[]>();
  private readonly subscribeSpec: CommandSpec;
  private readonly unsubscribeSpec: CommandSpec;

  constructor(readonly kind: SubscriptionKind) {
    this.subscribeSpec = pubsubSpec(`${initials[kind]}SUBSCRIBE`);
    this.unsubscribeSpec = pubsubSpec(`${initials[kind]}UNSUBSCRIBE`);
  }

  get wanted(): boolean {
    return this.topics.size > 0;
  }

  get(name: string): Topic | undefined {
    return this.topics.get(name);
  }

  /** The topic of that name, made when nobody has observed it so far. */
  topic(name: string): Topic {
    let topic = this.topics.get(name);
    if (topic === undefined) this.topics.set(name, (topic = new Topic(name)));
    return topic;
  }

  /** Drops a topic that nobody observes any more. */
  release(topic: Topic): void {
    if (!topic.observed && this.topics.get(topic.name) === topic) this.topics.delete(topic.name);
  }

  /**
   * Brings the server in line with the observers; completes when it has answered.
   * @param onMomentary the server refuses for the moment, and what was asked for is to be asked for again
   */
  reconcile(send: Send, onMomentary: OnMomentary): Observable<unknown> {
    const joined = [...this.topics.keys()].filter((name) => !this.asked.has(name));
    const left = [...this.asked].filter((name) => !this.topics.has(name));
    this.asked = new Set(this.topics.keys());
    return merge(
      joined.length > 0 ? this.subscribe(joined, send, onMomentary) : EMPTY,
      left.length > 0 ? this.unsubscribe(left, send, onMomentary) : EMPTY,
    );
  }

  /** A server refuses all names of a SUBSCRIBE when it refuses one, so they are then asked for one by one. */
  private subscribe(names: readonly string[], send: Send, onMomentary: OnMomentary): Observable<unknown> {
    return send(new Command(this.subscribeSpec, names, nothing)).pipe(
      catchError((error: unknown) => {
        if (!(error instanceof ReplyError)) throw error;
        if (error.repeatable) {
          for (const name of names) this.asked.delete(name);
          return onMomentary(error);
        }
        if (names.length > 1) {
          return merge(
            ...names.map((name) => (this.asked.has(name) ? this.subscribe([name], send, onMomentary) : EMPTY)),
          );
        }
        this.refuse(names[0]!, error);
        return EMPTY;
      }),
    );
  }

  private unsubscribe(names: readonly string[], send: Send, onMomentary: OnMomentary): Observable<unknown> {
    this.leaving.add(names);
    return send(new Command(this.unsubscribeSpec, names, nothing)).pipe(
      finalize(() => this.leaving.delete(names)),
      catchError((error: unknown) => {
        if (!(error instanceof ReplyError)) throw error;
        if (!error.repeatable) return EMPTY; // what comes all the same, nobody observes
        for (const name of names) this.asked.add(name);
        return onMomentary(error);
      }),
    );
  }

  /** Takes from the server all that it was asked for; `forget` and `reconcile` bring it back. */
  leave(send: Send): Observable<unknown> {
    const held = new Set([...this.asked, ...[...this.leaving].flat()]);
    return held.size > 0 ? send(new Command(this.unsubscribeSpec, [...held], nothing)) : EMPTY;
  }

  /** The server has forgotten: the connection was lost, or is left for good. */
  forget(): void {
    this.asked.clear();
  }

  /** The observers of a refused topic learn why, nobody else does. */
  private refuse(name: string, error: unknown): void {
    const topic = this.topics.get(name);
    this.asked.delete(name);
    this.topics.delete(name);
    topic?.error(error);
  }

  /** Ends all topics: with an error, or with complete when there is none. */
  end(error?: unknown): void {
    const topics = [...this.topics.values()];
    this.topics.clear();
    for (const topic of topics) {
      if (error === undefined) topic.complete();
      else topic.error(error);
    }
  }
}

function pubsubSpec(name: string): CommandSpec {
  return defineSpec(name, { confirmation: name.toLowerCase() });
}

function nothing(): null {
  return null;
}
