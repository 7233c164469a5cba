import type { DisconnectReason } from '../../../src/connection/connection-state';
import type { Call, Form } from '../calls';
import type { Link } from '../link';
import type { Answer } from '../peer';
import type { Sent } from '../sent';
import { isTaken, type GroupWire, type WireRequest } from '../wire';
import { PerLink, type Arrival, type Rule, type Scene } from './rule';

/**
 * Where a reply was left out or came twice, each that follows is taken for that of another command. The link ends with the first that
 * its command cannot give, and with the first that no command waits for. A client that verifies replies finds out after so many
 * commands, whatever their replies look like.
 */
export class GuardRule implements Rule {
  /** the commands that were told another's reply, by link */
  private readonly misled = new PerLink(() => new Set<Sent>());

  constructor(private readonly scene: Scene) {}

  arriving(link: Link, { answered }: Arrival): (() => void) | undefined {
    if (!link.shifted) return undefined;
    const { journal, settings } = this.scene;
    const misled = this.misled.of(link);
    for (const wire of answered) {
      // An ECHO may be refused for reasons of its own, and shows nothing then.
      if (isVerifying(wire) && wire.answer !== undefined && 'error' in wire.answer) misled.clear();
      else if (wire.misled && wire.sent !== undefined) misled.add(wire.sent);
    }
    const betraying = answered.filter((wire) => wire.misled && betrays(wire));
    return () => {
      if (!link.open) {
        if (betraying.length > 0) journal.count('shift found');
        return;
      }
      const kept = betraying.find((wire) => isVerifying(wire) || isTaken(wire) || wire.group !== undefined);
      if (kept !== undefined) this.fail(link, `kept although ${kept.words[0]} was answered ${describe(kept.answer)}`);
      if (link.poisoned) this.fail(link, 'kept although a reply came that no command waits for');
      if (settings.verify > 0 && misled.size > settings.verify)
        this.fail(link, `kept although ${misled.size} commands got another's reply, one more than verify allows`);
    };
  }

  reasonsToLeave(link: Link): readonly DisconnectReason[] {
    return link.shifted && (link.poisoned || link.requests.some(({ misled }) => misled)) ? ['connection_lost'] : [];
  }

  private fail({ index }: Link, violation: string): void {
    this.scene.journal.fail(`link ${index}: ${violation}`);
  }
}

/** The client's own ECHO. */
function isVerifying({ id, words }: WireRequest): boolean {
  return id === undefined && words[0] === 'ECHO';
}

/** The request cannot have been answered so; with an error everything can. */
function betrays(wire: WireRequest): boolean {
  const { answer, sent, group, member, words } = wire;
  if (answer === undefined || 'error' in answer) return false;
  if (isVerifying(wire)) return answer.value !== `"${words[1]!}"`;
  if (group?.isTransaction === true) return betraysTransaction(wire, group, answer.value);
  const call = group === undefined ? sent?.call : (group.callOf(member!) as Call);
  return call?.gives !== undefined && !isOf(call.gives, answer.value);
}

/** Behind a MULTI that was refused each command runs by itself. */
function betraysTransaction(wire: WireRequest, { begin, run }: GroupWire, value: string): boolean {
  if (wire === begin) return !isOf('OK', value);
  if (begin!.answer === undefined || 'error' in begin!.answer) return false;
  return wire === run ? !isOf('list', value) && value !== 'null' : value !== '"QUEUED"';
}

/** @param value in its canonical form */
function isOf(form: Form, value: string): boolean {
  switch (form) {
    case 'OK':
      return value.startsWith('"OK');
    case 'text':
      return value.startsWith('"');
    case 'list':
      return /^[[{]/.test(value);
    case 'integer':
      return /^\d/.test(value);
  }
}

function describe(answer: Answer | undefined): string {
  return answer !== undefined && 'value' in answer ? answer.value.slice(0, 40) : 'with an error';
}
