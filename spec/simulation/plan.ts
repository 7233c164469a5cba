import type { CallName } from './calls';
import type { CredentialsManner } from './credentials';

/**
 * All that happens in a run, drawn before it begins: a run is a function of its plan, and a plan without one of its items is a
 * plan too. Times and durations are milliseconds of virtual time.
 */
export interface Plan {
  readonly seed: number;
  readonly settings: Settings;
  readonly items: readonly Item[];
}

/** How failed commands are to be repeated. */
export type RetryChoice = 'default' | 'off' | 'twice' | 'always' | 'slowly' | 'throwing' | 'destroying';

/** The major version of the server, where it has streams: 6 counts nothing, 8 reads idle entries with new ones and has XACKDEL. */
export type StreamVersion = 6 | 7 | 8;

/** What the client is told, and what the server is. */
export interface Settings {
  readonly streams: StreamVersion;
  readonly protocol: 2 | 3 | 'auto';
  readonly autoPipeline: boolean;
  readonly pipelineDepth: number;
  readonly writeBufferSize: number;
  readonly offlineQueue: number;
  /** how a lost connection is made again; `waiting` leaves it to an Observable, `destroying` destroys the client when it is asked */
  readonly reconnect: 'soon' | 'late' | 'thrice' | 'function' | 'waiting' | 'destroying' | 'off';
  readonly retry: RetryChoice;
  /** after how many commands the client makes sure that replies come to their own; 0: never */
  readonly verify: number;
  readonly commandTimeout: number;
  readonly readTimeout: number;
  readonly writeTimeout: number;
  readonly connectTimeout: number;
  readonly blockingGrace: number;
  readonly database: number;
  readonly password: boolean;
  /** it goes with the name of a user */
  readonly named: boolean;
  readonly clientName: boolean;
  readonly onConnect: boolean;
  /** how many connections may be lent, how long each may be idle, and how long callers wait for one */
  readonly leaseMax: number;
  readonly leaseIdle: number;
  readonly leaseWait: number;
  /** with `masterdown` that, too, means that the connection leads to the wrong server, and nothing is sent again for it */
  readonly reconnectOnError: 'default' | 'masterdown' | 'throwing' | 'destroying';
  /** its commands have spans */
  readonly traced: boolean;
  /** how the client ends, unless something in the plan ends it sooner */
  readonly ending: 'close' | 'dispose' | 'destroy';
}

export type Item = ClientItem | ServerItem | LinkItem;

/** What the user of the client does. */
export type ClientItem =
  | SendItem
  | JoinItem
  | MonitorItem
  | DedicatedItem
  | WatchItem
  | TakeItem
  | TailItem
  | ConsumeItem
  | WorkerItem
  | SimpleItem;

/** A command is called and its reply is waited for. */
export interface SendItem {
  readonly kind: 'send';
  readonly at: number;
  /** stands in the command's arguments, so that the server's record names the command */
  readonly id: number;
  readonly call: CallName | 'group';
  /** the commands of a group */
  readonly members?: readonly CallName[] | undefined;
  /** between MULTI and EXEC */
  readonly transaction?: boolean | undefined;
  /** subscribed to, awaited, awaited in two places, turned into a Promise by RxJS, or subscribed to behind `retrySafely` */
  readonly how: 'observe' | 'await' | 'awaitTwice' | 'first' | 'retrySafely';
  readonly bytes: boolean;
  /** bytes of the value that is sent */
  readonly size: number;
  /** how long a blocking command waits */
  readonly wait: number;
  readonly timeout?: number | undefined;
  readonly idempotent?: boolean | undefined;
  readonly retry?: RetryChoice | undefined;
  /** after so long its Observer leaves, answered or not; 0 is within the same tick */
  readonly leaveAfter?: number | undefined;
  /** the Observer throws when it is told the outcome */
  readonly throws?: boolean | undefined;
  /** what the Observer does when it is told the outcome */
  readonly reaction?: 'send' | 'again' | 'close' | 'destroy' | 'leave' | undefined;
}

/** Somebody observes channels; names that end in `*` are patterns. */
export interface JoinItem {
  readonly kind: 'join';
  readonly at: number;
  readonly id: number;
  readonly names: readonly string[];
  /** they are shard channels */
  readonly sharded?: boolean | undefined;
  readonly bytes: boolean;
  readonly leaveAfter?: number | undefined;
  /** leaves after so many messages */
  readonly takes?: number | undefined;
  /** wants gaps */
  readonly gaps?: boolean | undefined;
  /** the Observer throws whatever it is told, and its teardown behind the end */
  readonly throws?: boolean | undefined;
}

/** A connection is lent for MONITOR, whose lines several observe. */
export interface MonitorItem {
  readonly kind: 'monitor';
  readonly at: number;
  readonly id: number;
  readonly observers: number;
  /** ms between one Observer and the next */
  readonly gap: number;
  readonly leaveAfter?: number | undefined;
}

/** What is done on a lent connection; `behind` sends and does not wait for the reply. */
export type LeaseStep =
  | 'get'
  | 'incr'
  | 'select'
  | 'name'
  | 'watch'
  | 'unwatch'
  | 'multi'
  | 'exec'
  | 'discard'
  | 'transaction'
  | 'wait'
  | 'behind';

/** Work on a connection of its own. */
export interface DedicatedItem {
  readonly kind: 'dedicated';
  readonly at: number;
  /** stands in its commands, so that the server knows whose they are */
  readonly id: number;
  readonly steps: readonly LeaseStep[];
  /** `throws` as soon as the work is called */
  readonly ending: 'completes' | 'fails' | 'throws';
  /** the work is a Promise, which goes on when its user has left */
  readonly promise: boolean;
  readonly leaveAfter?: number | undefined;
}

/** How a counter is kept that is not always a string. */
export type CounterType = 'string' | 'hash' | 'list' | 'none';

/** A counter is incremented by `watch`. */
export interface WatchItem {
  readonly kind: 'watch';
  readonly at: number;
  /** stands in its commands, so that the server knows whose they are */
  readonly id: number;
  /** which counter */
  readonly key: number;
  readonly attempts: number;
  /** what the user's function gives */
  readonly gives: 'commands' | 'promise' | 'later' | 'nothing' | 'error';
  /** the counter is read by a command of the user's, not by its type */
  readonly byName: boolean;
  /** it is one of those that are strings, hashes and lists in turn */
  readonly typed?: true | undefined;
  readonly leaveAfter?: number | undefined;
}

/** Somebody waits at the server for an element of a list. */
export interface TakeItem {
  readonly kind: 'take';
  readonly at: number;
  /** stands in its command, so that the server knows whose it is */
  readonly id: number;
  readonly list: number;
  /** into a list of its own, by BLMOVE */
  readonly moves: boolean;
  readonly bytes: boolean;
  /** how long it waits at the server; 0: for ever */
  readonly wait: number;
  /** a limit of the user's own */
  readonly timeout?: number | undefined;
  readonly leaveAfter?: number | undefined;
}

/** Somebody reads the entries of streams of its own as they are added. */
export interface TailItem {
  readonly kind: 'tail';
  readonly at: number;
  /** stands in the names of its streams, so that the server knows whose they are */
  readonly id: number;
  readonly streams: 1 | 2;
  readonly from: '0' | '$';
  readonly batch: number;
  /** it wants what is there when it begins, and no more */
  readonly ends?: boolean | undefined;
  readonly bytes: boolean;
  /** each entry is worked on for so long, and so many at the same time */
  readonly work?: number | undefined;
  readonly concurrency: number;
  readonly leaveAfter?: number | undefined;
}

/** Somebody handles the entries of a stream within a consumer group. */
export interface ConsumeItem {
  readonly kind: 'consume';
  readonly at: number;
  /** stands in the name of the consumer */
  readonly id: number;
  readonly stream: number;
  readonly from: '0' | '$';
  readonly concurrency: number;
  /** entries of a few keys, each one after another */
  readonly keyed: boolean;
  readonly claimIdle: number;
  readonly deadLetter?: 'stream' | 'function' | undefined;
  readonly maxDeliveries: number;
  readonly deletes: boolean;
  readonly block: number;
  readonly drainTimeout: number;
  readonly bytes: boolean;
  /** how long handling takes, entry by entry */
  readonly work: readonly number[];
  /** what the handler gives */
  readonly gives: 'value' | 'promise' | 'observable';
  /** how often some entries fail before they are handled; Infinity where they become dead letters */
  readonly fails: number;
  readonly leaveAfter?: number | undefined;
}

/** Somebody does the jobs of the queue. What they say of the queue all say. */
export interface WorkerItem {
  readonly kind: 'work';
  readonly at: number;
  readonly id: number;
  readonly lease: number;
  readonly attempts: number;
  readonly backoff: number;
  readonly deadLetter: boolean;
  readonly concurrency: number;
  readonly drainTimeout: number;
  /** how long doing takes, job by job */
  readonly work: readonly number[];
  /** how often some jobs fail before they are done */
  readonly fails: number;
  readonly leaveAfter?: number | undefined;
}

export type SimpleItem =
  | { readonly kind: 'connect' | 'close' | 'destroy'; readonly at: number }
  /** the credentials change; `wrongly` first to what the server refuses */
  | { readonly kind: 'rotate'; readonly at: number; readonly wrongly: boolean }
  /** nobody tells any more when they change */
  | { readonly kind: 'loseCredentials'; readonly at: number }
  /** user code keeps the event loop busy */
  | { readonly kind: 'hold'; readonly at: number; readonly duration: number };

/** What happens at the server, to all its connections. */
export type ServerItem =
  | {
      readonly kind: 'publish';
      readonly at: number;
      readonly id: number;
      readonly channel: string;
      readonly sharded?: boolean | undefined;
    }
  /** an element for the blocking command of that id */
  | { readonly kind: 'push'; readonly at: number; readonly id: number }
  /** another client pushes an element to a list */
  | { readonly kind: 'element'; readonly at: number; readonly id: number; readonly list: number }
  /** another client adds so many entries to a stream */
  | { readonly kind: 'entry'; readonly at: number; readonly stream: string; readonly count: number }
  /** another client puts so many jobs into the queue, due after a delay */
  | { readonly kind: 'job'; readonly at: number; readonly count: number; readonly delay: number }
  /** a worker of another client takes so many jobs, and dies */
  | { readonly kind: 'seize'; readonly at: number; readonly count: number; readonly lease: number }
  /** another client takes back what workers have whose lease is over */
  | { readonly kind: 'reap'; readonly at: number; readonly attempts: number }
  /** another client leaves so many of the newest entries of a stream */
  | { readonly kind: 'trim'; readonly at: number; readonly stream: string; readonly kept: number }
  /** a consumer of another client takes so many new entries, and dies */
  | { readonly kind: 'steal'; readonly at: number; readonly stream: string; readonly count: number }
  /** it ends, refuses connections for a while, and comes back without memory */
  | { readonly kind: 'restart'; readonly at: number; readonly duration: number }
  /** what is connected, or connects before the address leads to the new master, is connected to a replica from now on */
  | { readonly kind: 'failover'; readonly at: number; readonly duration: number }
  | { readonly kind: 'refuse'; readonly at: number; readonly duration: number; readonly word: RefusalWord }
  /** another client increments a counter that is watched */
  | { readonly kind: 'touch'; readonly at: number; readonly key: number }
  /** another client makes something else of a counter, which keeps its number, or deletes it */
  | { readonly kind: 'retype'; readonly at: number; readonly key: number; readonly type: CounterType }
  | { readonly kind: 'kill'; readonly at: number }
  /** it forgets all scripts */
  | { readonly kind: 'scriptFlush'; readonly at: number }
  /** the slot of a shard channel goes to another server, which takes the subscriptions to it away */
  | { readonly kind: 'migrate'; readonly at: number; readonly duration: number; readonly channel: string }
  | { readonly kind: 'sleep'; readonly at: number; readonly duration: number };

export type RefusalWord = 'LOADING' | 'BUSY' | 'TRYAGAIN' | 'CLUSTERDOWN' | 'MASTERDOWN' | 'OOM' | 'WRONGTYPE';

/** What befalls one connection, counted from 0 in the order in which they are dialled, or every connection. */
export interface LinkItem {
  readonly kind: 'link';
  readonly link: number | 'every';
  readonly fault: Fault;
}

export interface GreetingRefusal {
  readonly command: 'SELECT' | 'CLIENT' | 'X.PREPARE';
  readonly word: RefusalWord | 'NOPERM';
}

/** How proxies answer HELLO 3: in RESP2 and saying so, in a form that contradicts the version that they name, or without naming any. */
export type HelloAnswer = 'arrayOf2' | 'arrayOf3' | 'mapOf2' | 'ok';

/** Behind so many replies since the connection became ready one is left out, or comes twice: all that follow belong to others. */
export interface Shift {
  readonly type: 'shift';
  readonly manner: 'swallow' | 'double';
  readonly after: number;
}

export type Fault =
  | { readonly type: 'refuse' | 'silent' | 'resp2' | 'noproto' | 'wrongpass' }
  /** HELLO is answered otherwise than Redis does */
  | { readonly type: 'hello'; readonly answer: HelloAnswer }
  /** one command of the handshake is refused */
  | ({ readonly type: 'refuseGreeting' } & GreetingRefusal)
  | Shift
  /** the server has no room for another connection, and says so */
  | { readonly type: 'maxclients' }
  /** the user's function throws that is asked for what the handshake is to hold beside */
  | { readonly type: 'onConnect' }
  /** what it gets when it asks for credentials */
  | { readonly type: 'credentials'; readonly manner: CredentialsManner }
  | { readonly type: 'closetwice'; readonly first: 'bytes' | 'dial' }
  | { readonly type: 'accept'; readonly delay: number }
  | { readonly type: 'latency'; readonly up: number; readonly down: number }
  | { readonly type: 'pieces'; readonly way: Way; readonly sizes: readonly number[]; readonly gap: number }
  /** the system takes what is written only after `delay`, and `capacity` bytes fill its buffer; `greeted`: not in the handshake */
  | { readonly type: 'buffer'; readonly capacity: number; readonly delay: number; readonly greeted: boolean }
  | StreamFault;

/** `up` is from the client to the server. */
export type Way = 'up' | 'down';

/** Where a fault strikes: `plus` bytes behind so many whole requests or replies. */
export interface Place {
  readonly way: Way;
  /** what they are counted from: the first byte, or the moment at which the client takes the connection for ready */
  readonly since?: 'ready' | undefined;
  readonly after: number;
  readonly plus: number;
}

export type StreamFault = Place &
  (
    | {
        readonly type: 'cut';
        /** when the client is told; Infinity: never, the connection is half-open */
        readonly notice: number;
        /** what is under way in the other direction is lost as well */
        readonly both: boolean;
      }
    | { readonly type: 'stall'; readonly duration: number }
    | { readonly type: 'garbage'; readonly text: string }
    /** what a server may say at any time, and means nothing to the commands */
    | { readonly type: 'noise'; readonly text: string }
    | { readonly type: 'extra' }
  );
