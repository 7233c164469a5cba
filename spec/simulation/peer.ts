import type { LentState } from './lease-desk';
import type { GreetingRefusal, HelloAnswer } from './plan';
import type { WireRequest } from './wire';

/** What the server knows of one connection. */
export interface Peer {
  readonly index: number;
  /** RESP2 is all that it speaks, in the server's own words, or it knows HELLO and not this version */
  readonly refusesHello: 'resp2' | 'noproto' | undefined;
  /** how it answers HELLO; undefined: as Redis does */
  readonly helloAnswer: HelloAnswer | undefined;
  readonly refusesPassword: boolean;
  readonly refusesGreeting: GreetingRefusal | undefined;
  /** it was not let subscribe to something */
  refusesSubscriptions: boolean;
  /** what it was told for good in the handshake */
  readonly refusals: string[];
  protocol: 2 | 3;
  database: number;
  password: string | undefined;
  clientName: string | undefined;
  /** it may not have a name */
  isNameless: boolean;
  /** the user's own command of the handshake came */
  prepared: boolean;
  /** it gets a line for every command that runs, and no reply to MONITOR any more */
  monitors: boolean;
  /** a shard subscription was taken away from it: what tells of that looks like the confirmation that it was left */
  wasDeprived: boolean;
  replica: boolean;
  gone: boolean;
  /** what it waits for keeps the requests behind it waiting */
  blocked: { request: WireRequest; timer: { unsubscribe(): void } | undefined } | undefined;
  readonly subscriptions: { channel: Set<string>; pattern: Set<string>; shard: Set<string> };
  /** what it has queued since MULTI, and whether a command was refused meanwhile */
  transaction: { readonly queued: WireRequest[]; isAborted: boolean } | undefined;
  /** what users have made of it, where it is lent */
  lent: LentState | undefined;
  readonly inbox: WireRequest[];
  /** Sends a reply, or a part of one, to the client. */
  answer(text: string, request: WireRequest, reply: Answer | undefined): void;
  /** Sends what no request asked for. */
  push(text: string, message: PushedMessage): void;
  /** Sends what is no message and answers nothing. */
  notify(text: string): void;
  /** Tells that a shard channel is taken away. */
  take(text: string, channel: string): void;
  close(): void;
}

/** What a request was answered with: a value in its canonical form, or an error. */
export type Answer = { readonly value: string } | { readonly error: string };

/** A message on its way to one connection. */
export interface PushedMessage {
  readonly data: string;
  readonly channel: string;
  readonly pattern: string | undefined;
  readonly sharded: boolean;
  /** how many had ever joined when its first byte reached the client */
  joinedBefore?: number;
  /** how many requests of its connection had been answered when it came */
  behind?: number;
}

/** Its answer to HELLO has a form that is not that of the version which it names. */
export function contradictsItself({ helloAnswer }: Peer): boolean {
  return helloAnswer !== undefined && helloAnswer !== 'arrayOf2';
}

/** It gets messages. */
export function isSubscribed({ subscriptions }: Peer): boolean {
  return Object.values(subscriptions).some(({ size }) => size > 0);
}

/** Whether a channel is one of those that a pattern stands for. */
export function matches(pattern: string, channel: string): boolean {
  return channel.startsWith(pattern.slice(0, -1));
}
