import { RedisError, ReplyError } from '../../../src/errors';
import { hashSlot } from '../../../src/resp/hash-slot';
import { MOST_HOPS } from '../../../src/topology/redirects';
import type { Journal } from '../journal';
import type { Call } from './calls';
import type { SimulatedCluster } from './cluster';
import type { World } from './draw';
import type { Execution } from './ledger';

/** Writes whose facts allow that they run more than once. */
const REPEATABLE = new Set<Call['op']>(['set', 'mset', 'get', 'mget', 'del']);

/** What ends after a while, and takes longer than the client waits. */
const MOMENTARY = /(^|: )(CLUSTERDOWN|TRYAGAIN|LOADING) /;
/** What is followed, and not told, unless the time is up. */
const ELSEWHERE = /(?<!\(commandTimeout\))(^|: )(MOVED|ASK) \d/;

/** Judges calls by what the nodes have run. */
export class Referee {
  constructor(
    private readonly cluster: SimulatedCluster,
    private readonly journal: Journal,
    private readonly commandTimeout: number,
    private readonly settles: World['settles'],
  ) {}

  /** A call is over. */
  settled(call: Call, now: number): void {
    const took = now - call.at;
    // Limits are looked at every few milliseconds.
    if (took > this.commandTimeout + 50) this.fail(call, `has taken ${took} ms`);
    const { outcome } = call;
    const { settles } = this;
    if (settles !== undefined && call.at >= settles.exempt && now > Math.max(call.at, settles.over) + settles.within)
      this.fail(call, `has taken ${took} ms, and all was well at ${settles.over}`);
    if (typeof outcome !== 'object') return;
    this.journal.count(outcome.kind === 'value' ? `${call.op}: value` : `${call.op}: ${outcome.error.name}`);
    if (outcome.kind === 'value') this.checkValue(call, outcome.value);
    else this.checkError(call, outcome.error);
  }

  private checkError(call: Call, error: Error): void {
    if (!(error instanceof RedisError)) {
      this.fail(call, `is told ${error.stack ?? String(error)}`);
      return;
    }
    if (error instanceof ReplyError) {
      this.journal.count(`refused: ${error.kind}`);
      // Nodes that name each other for seconds are asked so often.
      const isAllowed = ELSEWHERE.test(error.message)
        ? this.cluster.ledger.timesSentAway(call) > MOST_HOPS
        : MOMENTARY.test(error.message);
      if (call.op !== 'eval' && !isAllowed && !this.isOvertaken(call)) this.fail(call, `is told ${error.message}`);
    }
    this.journal.count(`${error.name} ${error.delivery}`);
  }

  /** A later write to its keys has run meanwhile. */
  private isOvertaken({ id, at, keys }: Call): boolean {
    return this.cluster.ledger.executions.some(
      (one) => one.at >= at && keys.includes(one.key) && (one.name === 'DEL' || Number(one.tag.split('.')[0]) > id),
    );
  }

  private checkValue(call: Call, value: unknown): void {
    const { op, keys, writes } = call;
    if (op === 'pipeline') {
      const values = value as readonly unknown[];
      writes.forEach(({ tag }, at) => {
        const one = values[at];
        if (one instanceof Error) this.checkError(call, one);
        else this.checkNumber(call, one, tag);
      });
    } else if (op === 'multi') {
      const [one, read, other] = value as readonly unknown[];
      this.checkNumber(call, one, writes[0]!.tag);
      this.checkRead(call, read, keys[1]!);
      this.checkNumber(call, other, writes[1]!.tag);
    } else if (op === 'rpush') this.checkNumber(call, value, writes[0]!.tag);
    else if (op === 'get') this.checkRead(call, value, keys[0]!);
    else if (op === 'mget') keys.forEach((key, at) => this.checkRead(call, (value as readonly unknown[])[at], key));
    else if (op === 'del' && value !== keys.length) this.fail(call, `got ${String(value)}`);
    else if (op === 'eval') this.fail(call, 'was answered what its script has not said');
  }

  private checkNumber(call: Call, value: unknown, tag: string): void {
    const execution = this.cluster.ledger.executions[value as number];
    if (execution?.tag !== tag) this.fail(call, `got a reply that is not its own: ${String(value)}`);
  }

  private checkRead(call: Call, value: unknown, key: string): void {
    const [own, number] = String(value).split('=');
    const execution = this.cluster.ledger.executions[Number(number)];
    if (own !== key || execution?.key !== key) this.fail(call, `got a reply that is not its own: ${String(value)}`);
  }

  /** All is over. */
  judge(calls: readonly Call[]): void {
    for (const call of calls) this.judgeCall(call);
    this.judgeOrder(calls);
  }

  private judgeCall(call: Call): void {
    const { outcome, writes, op } = call;
    if (outcome === undefined) {
      this.fail(call, 'is never settled');
      return;
    }
    const runs = writes.map(({ tag }) => this.cluster.ledger.of(tag));
    const mayRepeat = REPEATABLE.has(op);
    for (const own of runs) if (own.length > 1 && !mayRepeat) this.fail(call, `has run ${own.length} times`);
    if (op === 'multi' && runs.some((own) => own.length !== runs[0]!.length)) this.fail(call, 'has run in part');
    if (outcome === 'left') return;
    if (outcome.kind === 'value') {
      const values = op === 'pipeline' ? (outcome.value as readonly unknown[]) : [];
      runs.forEach((own, at) => {
        const isAnswered = own.some(({ isDelivered }) => isDelivered);
        const error = values[at];
        if (error instanceof RedisError) this.judgeError(call, error, [own]);
        else if (!isAnswered) this.fail(call, 'is answered, and no node has');
      });
    } else if (outcome.error instanceof RedisError) {
      const { error } = outcome;
      this.judgeError(call, error, runs);
      if (op !== 'pipeline' || error.group === undefined) return;
      error.group.deliveries.forEach((delivery, at) => {
        if (delivery === 'unsent' && runs[at]!.length > 0) this.fail(call, `says that its command ${at} was unsent`);
        if (delivery === 'answered' && runs[at]!.length === 0 && !(error.results![at] instanceof Error))
          this.fail(call, `says that its command ${at} was answered`);
      });
    }
  }

  private judgeError(call: Call, error: RedisError, runs: readonly (readonly Execution[])[]): void {
    const { delivery } = error;
    const hasRun = runs.some((own) => own.length > 0);
    if (call.op === 'eval' && error instanceof ReplyError) return;
    const isWhole = call.op !== 'mset' && call.op !== 'pipeline';
    if (delivery === 'unsent' && hasRun && isWhole) this.fail(call, `is 'unsent' and has run: ${error.message}`);
    if (delivery === 'answered' && hasRun && isWhole) this.fail(call, `was refused and has run: ${error.message}`);
  }

  /**
   * What was answered has run in the order of the calls: for each key, and in each slot unless keys of it were at two nodes. Of what a node
   * has refused, and of a later call to another key that was on its way to it then, the later one may be first.
   */
  private judgeOrder(calls: readonly Call[]): void {
    const { ledger, migrated } = this.cluster;
    const earlier = new Map<string, { readonly call: Call; readonly execution: Execution }[]>();
    for (const call of calls) {
      const { outcome, op } = call;
      if (typeof outcome !== 'object' || op === 'publish') continue;
      for (const { tag, key } of call.writes) {
        const execution = ledger.of(tag).findLast(({ isDelivered }) => isDelivered);
        if (execution === undefined || (outcome.kind === 'error' && op !== 'eval')) continue;
        const slot = hashSlot(key);
        // One that is asked for at the other node is passed by what the first one still has.
        if (op === 'multi' && migrated.has(slot)) continue;
        // What publishes waits for subscriptions, and is passed by others.
        const isOfKey = migrated.has(slot) || op === 'spublish';
        for (const place of isOfKey ? [key] : [key, `slot ${slot}`]) {
          const before = earlier.get(place) ?? [];
          const passed = before.find(
            (one) =>
              one.call !== call &&
              one.execution.n > execution.n &&
              (place === key || !ledger.hasTurned(one.execution, execution)),
          );
          if (passed !== undefined)
            this.fail(call, `(${execution.name} ${key}) has run before call ${passed.call.id} (${passed.call.op})`);
          earlier.set(place, [...before, { call, execution }]);
        }
      }
    }
  }

  private fail({ id, op }: Call, what: string): void {
    this.journal.fail(`call ${id} (${op}) ${what}`);
  }
}
