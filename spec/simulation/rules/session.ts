import type { DisconnectReason } from '../../../src/connection/connection-state';
import type { Link } from '../link';
import type { Settings } from '../plan';
import { GRAIN } from '../sent';
import { isBlocking, isTaken, type WireRequest } from '../wire';
import { PerLink, type Arrival, type Rule, type Scene, type Write } from './rule';

/** What is known of one link's session. */
interface Session {
  /** a reply told that it leads to the wrong server, perhaps to nobody who waited any more */
  mayBeLeft: boolean;
  /** replies that told so while their commands waited */
  readonly retiring: WireRequest[];
  /** the AUTHs that were written since it was ready */
  readonly signIns: WireRequest[];
}

/**
 * A link is what the user has made of the client: signed in, with the database that was selected last, at the right server. AUTH
 * travels when nothing is owed, and alone. A link that leads to the wrong server is left once it has answered; one that is lent, once it
 * is given back.
 */
export class SessionRule implements Rule {
  /** the databases that new links may be told to select: more than one, where the client may not have read all */
  private selected: readonly number[];
  private readonly sessions = new PerLink<Session>(() => ({ mayBeLeft: false, retiring: [], signIns: [] }));
  /** commands have left a wrong server, and messages have not followed them yet */
  private mayFollow = false;
  /** when credentials changed */
  private readonly rotations: number[] = [];

  constructor(private readonly scene: Scene) {
    this.selected = [scene.settings.database];
  }

  rotated(times: number): void {
    for (let i = 0; i < times; i++) this.rotations.push(this.scene.timeline.now());
  }

  ready(link: Link): void {
    const { oldest } = link;
    if (oldest !== undefined && !isAskedAgain(link, oldest))
      this.fail(link, `ready although ${oldest.words[0]} is not answered`);
    // Messages have followed by then.
    if (!link.carriesMessages && !link.lent) this.mayFollow = false;
    const { database } = link.peer;
    if (link.carriesMessages || link.lent || this.selected.includes(database)) return;
    this.fail(link, `ready with database ${database}, not ${this.selected.join(' or ')}`);
  }

  written(link: Link, request: WireRequest): void {
    const { sent, member = 0, words } = request;
    const { retiring, signIns } = this.sessions.of(link);
    if (sent !== undefined && !link.ready) sent.fail(`was written to link ${link.index} before that was ready`);
    // A transaction begins with its MULTI.
    const isFirst = words[0] === 'MULTI' || (sent?.isTransaction === false && member === 0);
    if (isFirst && retiring.length > 0)
      this.fail(link, `${words[0]} (${request.id}) was written although that leads to the wrong server`);
    const last = signIns.at(-1);
    if (last?.answered === false) this.fail(link, `${words[0]} was written behind AUTH, which is not answered`);
    if (!link.ready || words[0] !== 'AUTH') return;
    if (link.oldest !== undefined) this.fail(link, `AUTH was written although ${link.oldest.words[0]} is not answered`);
    signIns.push(request);
  }

  wrote(link: Link, { requests }: Write): void {
    const { signIns } = this.sessions.of(link);
    if (requests.length > 1 && requests.some((request) => signIns.includes(request)))
      this.fail(link, `AUTH was written together with ${requests.length - 1} others`);
  }

  come(link: Link): void {
    this.looked(link);
  }

  arriving(link: Link, { answered }: Arrival): () => void {
    const session = this.sessions.of(link);
    // What the handshake is told does not count.
    const astray = link.ready ? answered.filter((wire) => leadsAstray(wire, this.scene.settings)) : [];
    session.mayBeLeft ||= astray.length > 0;
    if (astray.length > 0 && !link.carriesMessages) this.mayFollow = true;
    return () => {
      // The user of a lent connection keeps it to the end of the work.
      if (!link.lent) session.retiring.push(...astray.filter(isTaken));
      if (link.open && link.oldest === undefined && session.retiring.length > 0)
        this.fail(link, 'kept although it leads to the wrong server and owes nothing');
      const databases = answered.filter(isSelected).map(({ id }) => id!);
      if (databases.length > 0) this.selected = link.open ? databases.slice(-1) : [...this.selected, ...databases];
    };
  }

  lentTo(link: Link): void {
    if (this.sessions.of(link).mayBeLeft) this.fail(link, 'lent although it leads to the wrong server');
  }

  /** A server may not leave AUTH unanswered for longer than a handshake may take. */
  looked(link: Link): void {
    const { timeline, settings } = this.scene;
    const last = this.sessions.of(link).signIns.at(-1);
    if (last === undefined || last.answered || timeline.heldUp > 0) return;
    const waited = timeline.now() - last.writtenAt;
    if (waited > settings.connectTimeout + GRAIN) this.fail(link, `kept for ${waited} ms that owed the reply to AUTH`);
  }

  left(link: Link): void {
    if (!this.sessions.of(link).mayBeLeft) return;
    for (const request of link.owed) (request.group ?? request).leftOnPurpose = true;
  }

  reasonsToLeave(link: Link): readonly DisconnectReason[] {
    const reasons: DisconnectReason[] = [];
    if (this.isSignInLate(link)) reasons.push('timeout');
    if (this.sessions.of(link).mayBeLeft || (link.carriesMessages && this.mayFollow)) reasons.push('connection_lost');
    return reasons;
  }

  /** AUTH waits until nothing is owed, and then for its answer, both together no longer than a handshake may take. */
  private isSignInLate(link: Link): boolean {
    const { timeline, settings } = this.scene;
    const { openedAt, readyAt } = link;
    const answered = this.sessions.of(link).signIns.filter((signIn) => signIn.answered).length;
    const askedAt = this.rotations.filter((at) => at >= openedAt)[answered];
    return askedAt !== undefined && timeline.now() >= Math.max(askedAt, readyAt) + settings.connectTimeout;
  }

  private fail({ index }: Link, violation: string): void {
    this.scene.journal.fail(`link ${index}: ${violation}`);
  }
}

/** A channel whose slot has moved is subscribed to once more, whether the link is ready or not. */
function isAskedAgain({ requests }: Link, { words }: WireRequest): boolean {
  return (
    words[0] === 'SSUBSCRIBE' && requests.filter((request) => request.words.join(' ') === words.join(' ')).length > 1
  );
}

/** The user's own SELECT was accepted. */
function isSelected({ id, words, answer }: WireRequest): boolean {
  return id !== undefined && words[0] === 'SELECT' && answer !== undefined && 'value' in answer;
}

function leadsAstray(wire: WireRequest, { reconnect, reconnectOnError }: Settings): boolean {
  const { answer, sent } = wire;
  if (answer === undefined || !('error' in answer)) return false;
  // Where no connection would follow, this one is kept. A command that waits at the server gets another one.
  const isKept = reconnect === 'off' && !(isBlocking(wire) && sent === undefined);
  if (isKept) return false;
  return (
    answer.error.startsWith('READONLY') ||
    answer.error.startsWith('UNBLOCKED force') ||
    (reconnectOnError === 'default' && answer.error.includes(' because of: READONLY')) ||
    (reconnectOnError === 'masterdown' && answer.error.startsWith('MASTERDOWN'))
  );
}
