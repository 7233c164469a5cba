import { RedisError } from '../errors';
import { Group } from './group';
import { PassingObserver } from './passing-observer';
import type { ReplySource } from './reply';
import type { ReplyObserver, Request } from './request';

/** How many frames stand at least between the user's code and what makes replies: the surface's `send` and the method. */
const OWN_FRAMES = 2;

/** An object with a stack: text, unless the program's hook `Error.prepareStackTrace` makes something else of it, or throws. */
export interface CallSite {
  readonly stack?: unknown;
}

/** Where a surface makes a reply. @param maker the function that the surface called to make it */
export function callSiteOf(maker: (...args: never[]) => unknown): CallSite {
  const site: CallSite = {};
  Error.captureStackTrace(site, maker);
  return site;
}

/** The frames of the user's code in the stack of such a place; none where it is no text. */
export function callersFrames(site: CallSite): string[] {
  const frames = textOfStack(site).split('\n').slice(1);
  const folder = (ownFolder ??= folderOfClient());
  const isUsers = (frame: string): boolean =>
    !/\bnode:/.test(frame) && !(folder !== undefined && frame.includes(folder));
  const first = frames.findIndex(isUsers);
  // Where the client and its user are bundled as one file, its frames cannot be told by their file.
  return frames.slice(first === -1 ? OWN_FRAMES : first);
}

let ownFolder: string | undefined;

/** The folder of the client's files, as stacks name it; undefined where they do not. */
function folderOfClient(): string | undefined {
  const [, frame = ''] = textOfStack(callSiteOf(callSiteOf)).split('\n');
  const [, folder] = /(?:\(|at )([^()]*[\\/])[^\\/]+:\d+:\d+\)?$/.exec(frame) ?? [];
  return folder?.replace(/commands[\\/]$/, '');
}

function textOfStack(site: CallSite): string {
  try {
    return typeof site.stack === 'string' ? site.stack : '';
  } catch {
    return '';
  }
}

/** Errors that have got the frames of one call; another call that is told the same error gets a copy. */
const placed = new WeakSet<RedisError>();

/**
 * The surface of a single reply whose errors have the stack of the call, in place of the frames of the event loop.
 * @param maker the function that the surface called to make the reply
 */
export function withCallSite(source: ReplySource, maker: (...args: never[]) => unknown): ReplySource {
  const site = callSiteOf(maker);
  const submit = (request: Request): void => {
    const isGroup = request.command instanceof Group;
    request.observeBy((observer) => new PlacedObserver(observer, site, isGroup));
    source.executor.submit(request);
  };
  return { ...source, executor: { submit } };
}

/**
 * The surface of all replies that one call of the user's makes, now or later: their errors have the stack of that call.
 * @param maker the method that was called
 */
export function atOneCall(source: ReplySource, maker: (...args: never[]) => unknown): ReplySource {
  return source.callSites === true ? { ...withCallSite(source, maker), callSites: false } : source;
}

class PlacedObserver<T> extends PassingObserver<T> {
  constructor(
    observer: ReplyObserver<T>,
    private readonly site: CallSite,
    private readonly isGroup: boolean,
  ) {
    super(observer);
  }

  override next(value: T): void {
    // Of a group: errors stand among its values.
    if (this.isGroup && Array.isArray(value)) {
      const values: readonly unknown[] = value;
      super.next(values.map((one) => (one instanceof RedisError ? placedAt(one, this.site) : one)) as T);
    } else {
      super.next(value);
    }
  }

  override error(error: RedisError): void {
    super.error(placedAt(error, this.site));
  }
}

function placedAt(error: RedisError, site: CallSite): RedisError {
  const frames = callersFrames(site);
  if (frames.length === 0) return error;
  const own = placed.has(error) ? copyOf(error) : error;
  const text = [`${error.name}: ${error.message}`, ...frames].join('\n');
  Object.defineProperty(own, 'stack', { value: text, writable: true, configurable: true });
  placed.add(own);
  return own;
}

function copyOf(error: RedisError): RedisError {
  return Object.create(Object.getPrototypeOf(error) as object, Object.getOwnPropertyDescriptors(error)) as RedisError;
}
