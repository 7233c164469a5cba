import { ProtocolError, RedisError, TimeoutError } from '../../../src/errors';
import { canonical, type Call } from '../calls';
import { FailureRules } from '../failure-rules';
import { memberItem } from '../groups';
import type { Link } from '../link';
import { describe, type Outcome, type Sent } from '../sent';
import { framesTransaction, isRefused, type WireRequest } from '../wire';
import type { Rule, Scene } from './rule';

/**
 * A command is written as it was called, and again only where its policy wants that and it does no harm. It is told one outcome, in
 * time: its own reply, or an error that says what became of it.
 */
export class DeliveryRule implements Rule {
  constructor(private readonly scene: Scene) {}

  written(link: Link, request: WireRequest): void {
    const { sent, id, words, member } = request;
    if (sent === undefined) {
      if (id === undefined) return;
      this.scene.journal.fail(`link ${link.index}: ${words.join(' ').slice(0, 60)} was written, which nobody has sent`);
      return;
    }
    if (framesTransaction(request)) return;
    const item = member === undefined ? sent.item : memberItem(sent.item, member);
    const call = (member === undefined ? sent.call : request.group!.callOf(member)) as Call;
    const payload = call.payload?.(item);
    if (payload !== undefined && words.at(-1) !== payload)
      sent.fail('was written with another argument than was given');
    // The rest of a group that was begun follows, whatever becomes of it.
    if (member !== undefined && member > 0) return;
    const [before, last] = sent.wires.slice(-3, -1);
    if (last !== undefined && isSuspect(before!, last))
      sent.fail(
        'was sent a third time although two links were lost with it, and nothing else can have broken the second',
      );
    if (sent.outcome === undefined) return;
    // What was begun is written to its end.
    if (sent.isTransaction && sent.settledAt >= request.group!.writtenAt) return;
    const isLeft = sent.outcome.kind === 'left';
    sent.fail(
      `was written although ${isLeft ? 'its Observer had left' : `it had settled (${describe(sent.outcome)})`}`,
    );
  }

  settled(sent: Sent, outcome: Outcome): void {
    const { settledAt, latest, submittedAt, due } = sent;
    if (settledAt > latest) sent.fail(`took ${settledAt - submittedAt} ms, its limit is ${due - submittedAt} ms`);
    if (outcome.kind === 'value' && sent.item.call !== 'group') this.checkValue(sent, outcome.value);
    if (outcome.kind === 'error') new FailureRules(sent, this.scene.around).check(outcome.error);
  }

  concluded(sent: Sent): void {
    const { outcome, wires } = sent;
    if (outcome === undefined) return;
    const isSaidToHaveRun =
      outcome.kind === 'error' && outcome.error instanceof RedisError && outcome.error.delivery === 'unknown';
    // What of a transaction is on its way when its time is up is written to its end, as far as anybody knows then.
    const isUnderWay = sent.isTransaction && outcome.kind === 'error' && outcome.error instanceof TimeoutError;
    const mayBeLonely = isUnderWay && this.scene.around.lonelyMultis() > 0;
    const tried = isUnderWay ? wires : sent.tried;
    if (
      isSaidToHaveRun &&
      !mayBeLonely &&
      tried.length > 0 &&
      tried.every((wire) => isRefused(wire) && wire.inTime && !wire.doubtful)
    )
      sent.fail('was refused, and is said to may have run');
    const answered = wires.some(
      ({ answer, inTime, doubtful }) => inTime && !doubtful && answer !== undefined && 'value' in answer,
    );
    if (answered && outcome.kind === 'error' && !(outcome.error instanceof ProtocolError))
      sent.fail(`was answered, and told ${describe(outcome)}`);
    if (outcome.kind === 'error' && outcome.error instanceof RedisError && outcome.error.delivery === 'unsent') {
      if (sent.tried.some((wire) => !isRefused(wire))) sent.fail("was reported 'unsent' and had been written");
    }
    const runs = wires.filter(({ ran }) => ran).length;
    if (outcome.kind === 'value' && runs !== 1 && !sent.repeatable && !sent.misled && sent.retry !== 'always')
      sent.fail(`was answered once and ran ${runs} times`);
  }

  private checkValue(sent: Sent, value: unknown): void {
    const { item, wires } = sent;
    if (sent.misled) return;
    const { fits } = sent.call;
    const got = canonical(value);
    const isOwn = wires.some(
      ({ answered, answer }) => answered && answer !== undefined && 'value' in answer && answer.value === got,
    );
    if (!isOwn) sent.fail(`got a reply that is not its own: ${got.slice(0, 60)}`);
    if (fits !== undefined && !fits(value, item.bytes))
      sent.fail(`got ${item.bytes ? 'strings where bytes' : 'bytes where strings'} were wanted`);
  }
}

/** It was in flight at two losses, and alone at the second or the oldest at both in a row, so perhaps its answer is what breaks links. */
function isSuspect(before: WireRequest, last: WireRequest): boolean {
  const { oldestAtLoss, aloneAtLoss } = last;
  if (oldestAtLoss === undefined || [before, last].some((wire) => wire.answered || wire.leftOnPurpose)) return false;
  return aloneAtLoss || before.oldestAtLoss === oldestAtLoss - 1;
}
