import { ConnectionError, type RedisError } from '../errors';
import { ErrorFrame, type Frame } from '../resp/frames';

/** The errors with which a server turns a client away, whatever the client has asked, before it closes the connection. */
const FAREWELL = /^(ERR max number of clients|DENIED )/;

const TURNED_AWAY = 'The server turns the client away: ';

/** Whether a reply turns the client away. */
export function turnsAway(frame: Frame): frame is ErrorFrame {
  return frame instanceof ErrorFrame && FAREWELL.test(frame.text);
}

/** The error of a link whose server turns the client away. */
export function farewell({ text }: ErrorFrame): ConnectionError {
  return new ConnectionError(TURNED_AWAY + text);
}

/** Whether a link was lost because the server has turned the client away. */
export function isFarewell({ message }: RedisError): boolean {
  return message.startsWith(TURNED_AWAY);
}
