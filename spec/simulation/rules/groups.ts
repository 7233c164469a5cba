import {
  ConnectionError,
  ProtocolError,
  RedisError,
  ReplyError,
  type Delivery,
  type GroupFate,
} from '../../../src/errors';
import { canonical, type Call } from '../calls';
import type { Link } from '../link';
import type { Outcome, Sent } from '../sent';
import { isOfStream } from '../stream-desk';
import type { GroupWire } from '../wire';
import { framesTransaction, type WireRequest } from '../wire';
import { PerLink, type Rule, type Scene } from './rule';

/**
 * The members of a group stand one behind the other on the wire, whatever the link does. Its value has a place for each member, with
 * the member's own value or error in it. When it is lost, its error tells how far each member had come.
 */
export class GroupRule implements Rule {
  private readonly unfinished = new PerLink<{ group: GroupWire | undefined; isBegun: boolean }>(() => ({
    group: undefined,
    isBegun: false,
  }));

  constructor(private readonly scene: Scene) {}

  written(link: Link, request: WireRequest): void {
    // There users have MULTI by hand.
    if (link.lent) return;
    const unfinished = this.unfinished.of(link);
    const { group, member, words } = request;
    const isBegin = (group?.isTransaction === true && member === 0) || isOfStream(words);
    if (unfinished.isBegun && !isBegin)
      this.scene.journal.fail(`link ${link.index}: ${words[0]} stands behind a MULTI, and is not of its transaction`);
    unfinished.isBegun = words[0] === 'MULTI';
    const before = unfinished.group;
    if (before !== undefined && group !== before) this.checkCut(link, before, request);
    unfinished.group = group?.isWhole === false ? group : undefined;
    if (group === undefined || member === undefined || framesTransaction(request)) return;
    if (member !== group.members.length - 1)
      group.sent.fail(`has member ${member} written in the place of member ${group.members.length - 1}`);
    if (member > 0 && isDispensable(group.sent)) group.sent.fail(`has member ${member} written that is not waited for`);
    if (group.size > 20 && member === group.size - 1) this.scene.journal.count('a large group written whole');
  }

  /** A group may end before its last member where nothing is waited for any more. */
  private checkCut({ index }: Link, { sent, members }: GroupWire, { words }: WireRequest): void {
    if (isDispensable(sent)) this.scene.journal.count('group cut short');
    else sent.fail(`is torn on link ${index}: ${words[0]} stands behind ${members.length} members`);
  }

  settled(sent: Sent, outcome: Outcome): void {
    if (sent.item.call !== 'group') return;
    const { journal } = this.scene;
    if (outcome.kind === 'value') {
      journal.count('group answered');
      this.checkValues(sent, outcome.value);
    }
    if (outcome.kind === 'error' && outcome.error instanceof RedisError) this.checkError(sent, outcome.error);
  }

  private checkValues(sent: Sent, values: unknown): void {
    const wire = sent.wires.find(({ answer }) => answer !== undefined && 'value' in answer) as GroupWire | undefined;
    if (wire === undefined) sent.fail('got a value before all members were answered');
    else if (!Array.isArray(values)) sent.fail('got a value that is no list');
    else if (values.length !== wire.size) sent.fail(`got ${values.length} values for ${wire.size} members`);
    else this.checkResults(sent, wire, values);
  }

  private checkResults(sent: Sent, wire: GroupWire, results: readonly unknown[]): void {
    if (wire.misled) return;
    results.forEach((result, member) => {
      const wanted = wire.resultOf(member);
      const { name, fits } = wire.callOf(member) as Call;
      if (wanted !== undefined && 'error' in wanted) {
        this.scene.journal.count('member refused');
        const isOwn = result instanceof ReplyError && result.message === wanted.error && result.command === name;
        if (!isOwn) sent.fail(`got ${canonical(result).slice(0, 40)} for member ${member}, not ${wanted.error}`);
      } else if (canonical(result) !== wanted?.value) {
        sent.fail(`got ${canonical(result).slice(0, 40)} for member ${member}, not ${wanted?.value.slice(0, 40)}`);
      } else if (fits?.(result, sent.item.bytes) === false) {
        sent.fail(
          `got ${sent.item.bytes ? 'strings where bytes' : 'bytes where strings'} were wanted of member ${member}`,
        );
      }
    });
  }

  private checkError(sent: Sent, error: RedisError): void {
    const wire = sent.wires.at(-1) as GroupWire | undefined;
    const { group } = error;
    // Of a transaction MULTI alone may have been written the last time, and have met what is no RESP.
    const isPoisoned = wire?.poisoned === true || (sent.isTransaction && this.scene.around.lonelyMultis() > 0);
    const isLoss = error instanceof ConnectionError || (error instanceof ProtocolError && isPoisoned);
    if (group !== undefined && wire !== undefined) this.checkFate(sent, wire, group, isLoss);
    else if (isLoss && error.delivery !== 'unsent') sent.fail('was lost, and is not told how far its members had come');
  }

  private checkFate(sent: Sent, wire: GroupWire, { results, deliveries }: GroupFate, isLoss: boolean): void {
    const { members, size } = wire;
    if (wire.isTransaction) {
      this.checkTransaction(sent, wire, { results, deliveries }, isLoss);
      return;
    }
    this.scene.journal.count(members.length < size ? 'group lost half written' : 'group lost');
    // Of what the client was reading when it left the link it may have taken a part.
    const most = members.filter(({ answered }) => answered).length;
    const least = members.filter(({ answered, isRead, doubtful }) => answered && !isRead && !doubtful).length;
    if (results.length < least || results.length > most)
      sent.fail(`was lost behind ${least} answered members, and is told the results of ${results.length}`);
    else this.checkResults(sent, wire, results);
    const written = members.length;
    const wanted = Array.from({ length: size }, (_, member): Delivery => {
      if (member < results.length) return 'answered';
      return member < written || mayHaveRunBefore(sent) ? 'unknown' : 'unsent';
    });
    if (deliveries.join() !== wanted.join()) sent.fail(`was lost: ${wanted.join()}, and is told ${deliveries.join()}`);
  }

  /** All of a transaction may have run, or nothing. What is written to its end is told of as if it were already. */
  private checkTransaction(sent: Sent, wire: GroupWire, { results, deliveries }: GroupFate, isLoss: boolean): void {
    if (wire.misled) return;
    this.scene.journal.count(wire.isWhole ? 'transaction lost' : 'transaction lost before EXEC');
    // What was refused is answered: then MULTI alone was written of the next try, and lost.
    const isAnswered = wire.answered && this.scene.around.lonelyMultis() > 0;
    const mayHaveRun = (wire.isWhole && !isAnswered) || !isLoss || mayHaveRunBefore(sent);
    const wanted = Array.from({ length: wire.size }, (): Delivery => (mayHaveRun ? 'unknown' : 'unsent'));
    if (results.length > 0) sent.fail(`was lost, and is told ${results.length} results`);
    if (deliveries.join() !== wanted.join()) sent.fail(`was lost: ${wanted.join()}, and is told ${deliveries.join()}`);
  }
}

/** It was lost, and might have run, before it was written for the last time. */
function mayHaveRunBefore({ tried, wires }: Sent): boolean {
  return tried.some((wire) => wire !== wires.at(-1) && !wire.answered);
}

/** Its Observer is gone, and no member needs those behind it. */
function isDispensable({ outcome, item }: Sent): boolean {
  return outcome !== undefined && item.transaction !== true;
}
