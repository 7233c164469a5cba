import { RedisError, ReplyError, TimeoutError } from '../../../src/errors';
import type { Outcome, Sent } from '../sent';
import { GroupWire } from '../wire';
import type { Rule, Scene } from './rule';

/**
 * A transaction runs whole or not at all, and once, unless running it twice does no harm. It may have run when EXEC was written and
 * not answered, and not otherwise. One that was discarded says which commands were refused.
 */
export class TransactionRule implements Rule {
  constructor(private readonly scene: Scene) {}

  settled(sent: Sent, outcome: Outcome): void {
    if (!sent.isTransaction || outcome.kind !== 'error' || !(outcome.error instanceof RedisError)) return;
    const { error } = outcome;
    const isSentToItsEnd = wiresOf(sent).some(({ isWhole }) => isWhole);
    // What is being written when its time is up is written to its end.
    if (error.delivery === 'unknown' && !isSentToItsEnd && !(error instanceof TimeoutError))
      sent.fail('is said to may have run, and its EXEC was not written');
    if (error instanceof ReplyError && error.kind === 'EXECABORT') this.checkCauses(sent, error);
  }

  concluded(sent: Sent): void {
    const { outcome } = sent;
    if (!sent.isTransaction || outcome === undefined || sent.misled) return;
    const runs = wiresOf(sent).filter(({ ran }) => ran).length;
    if (runs > 1 && !sent.repeatable && sent.retry !== 'always') sent.fail(`ran ${runs} times`);
    if (outcome.kind !== 'error' || !(outcome.error instanceof RedisError)) return;
    const { delivery } = outcome.error;
    if (runs > 0 && delivery !== 'unknown') sent.fail(`has run, and is said to be '${delivery}'`);
  }

  private checkCauses(sent: Sent, { causes = [] }: ReplyError): void {
    if (sent.misled) return;
    this.scene.journal.count(causes.length > 0 ? 'transaction discarded' : 'transaction refused at EXEC');
    const told = causes.map(({ index, command, error }) => `${index} ${command} ${error.message}`).join();
    const wanted = wiresOf(sent).map((wire) =>
      wire.causes.map(({ index, name, error }) => `${index} ${name} ${error}`).join(),
    );
    if (!wanted.includes(told)) sent.fail(`was discarded for ${wanted.at(-1)}, and is told ${told}`);
  }
}

function wiresOf({ wires }: Sent): readonly GroupWire[] {
  return wires.filter((wire) => wire instanceof GroupWire);
}
