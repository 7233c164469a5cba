import type { Connection } from '../../src/connection/connection';
import {
  AuthenticationError,
  DisconnectedError,
  ProtocolError,
  RedisError,
  ReplyError,
  TimeoutError,
} from '../../src/errors';
import type { Link } from './link';
import { FAREWELL, isMomentary } from './reception';
import type { Circumstances } from './sent';

/** Who waits for a connection. */
interface Waiting {
  /** for it to be ready */
  connecting(): number;
  /** for a command to be sent */
  queued(): number;
}

/** What answers HELLO with nonsense, or begins with what is no RESP, does so again: no repetition cures that. */
function isNoRedis(error: unknown): boolean {
  return error instanceof ProtocolError && (error.command === 'HELLO' || error.message.includes(' is no Redis: '));
}

/** What is wrong with a connect() that failed. */
export function complainOf(error: unknown, waited: number, around: Circumstances): string | undefined {
  if (error instanceof ReplyError && !isMomentary(error.message)) return undefined;
  if (isNoRedis(error)) return undefined;
  // Times with fractions do not add up to the last digit.
  if (error instanceof TimeoutError && waited + 0.001 >= around.settings.commandTimeout) return undefined;
  if (error instanceof DisconnectedError && around.over()) return undefined;
  if (error instanceof ProtocolError && around.metNoRedis()) return undefined;
  return `connect() failed after ${waited} ms although the client goes on: ${String(error)}`;
}

/** Sees to it that nobody waits for a connection that the server refuses, and that all are told why. */
export function watchSignIn(
  connection: Connection,
  linkOf: () => Link | undefined,
  { journal, settings, timeline }: Circumstances,
  waiting: Waiting,
): void {
  connection.state$.subscribe((state) => {
    if (state.kind !== 'reconnecting' && state.kind !== 'closed') return;
    const { error } = state;
    if (error !== undefined && !(error instanceof RedisError)) {
      journal.fail(`the handshake failed with ${String(error)}`);
    }
  });
  let last: Link | undefined;
  // Behind the state, which has been told to all by now.
  connection.events$.subscribe((event) => {
    const { value: state } = connection.state$;
    if (event.type !== 'reconnecting' || state.kind !== 'reconnecting') return;
    const link = linkOf();
    // The commands' connection tells of that of messages as well.
    if ((event.connection === 'messages') !== (link?.carriesMessages === true)) return;
    const isNew = link !== last;
    last = link;
    if (link === undefined) return;
    const { error } = state;
    const [refusal] = link.peer.refusals;
    // Who insists on RESP3 is told first that there is none.
    const { refusesHello, helloAnswer } = link.peer;
    const isWanted = settings.protocol === 3 && (refusesHello !== undefined || helloAnswer === 'arrayOf2');
    const told = !isWanted && !link.contradicted && isNew && link.oldest === undefined && !link.lost;
    if (told && refusal !== undefined && timeline.now() - link.openedAt < settings.connectTimeout) {
      journal.count('handshake refused for good');
      // What is refused for the moment may come first.
      if (!(error instanceof ReplyError) || (error.message !== refusal && !isMomentary(error.message)))
        journal.fail(`the server said ${refusal}, and the client ${error.message}`);
    }
    if (isNew && link.turnedAway && !error.message.includes(FAREWELL))
      journal.fail(`the server was full and said so, and the client: ${error.message}`);
    if (isNew && link.contradicted && !(error instanceof ProtocolError))
      journal.fail(`HELLO was answered by ${helloAnswer}, and the client: ${error.message}`);
    const mayBreak = link.contradicted || link.poisoned || link.shifted || (isWanted && helloAnswer !== undefined);
    if (isNew && error instanceof ProtocolError && !mayBreak)
      journal.fail(`the protocol was kept, and the client: ${error.message}`);
    if (!(error instanceof ReplyError)) return;
    const isKnown = link.peer.refusals.includes(error.message) || isMomentary(error.message);
    if (!isNew || !(isKnown || isWanted))
      journal.fail(`the client cannot do without what was refused: ${error.message}`);
    if (isMomentary(error.message) !== error.repeatable)
      journal.fail(`${error.message} was ${error.repeatable ? '' : 'not '}called repeatable`);
    if (!isMomentary(error.message) && waiting.connecting() > 0)
      journal.fail('connect() goes on although the server refuses the handshake');
    if (error instanceof AuthenticationError && waiting.queued() > 0)
      journal.fail('commands wait although the server refuses the sign-in');
  });
}
