import { Command, type CommandSpec } from '../commands/command';
import { elsewhere, type BoundCommand } from '../commands/bound-command';
import { CLIENT_CACHING } from '../commands/generated/connection';
import { Group } from '../commands/group';
import { asItCame } from '../commands/replies/values';
import { Transaction } from '../commands/transaction';
import { ErrorFrame, type Frame } from '../resp/frames';
import type { Home, Reading } from './cache-entry';

/** Has the server track the keys of the next command, or of the rest of a transaction, where tracking is opt-in. */
const CACHING = /* @__PURE__ */ new Command(CLIENT_CACHING, ['YES'], asItCame);

/** The same command, whose reply is not read but handed on as it comes. */
export function unread({ spec, args, keys }: Command): Command<Frame> {
  return new Command(spec, args, asItCame, keys);
}

/** CLIENT CACHING YES and a read, as one: nothing comes between them, so the keys of this read are tracked and no others. */
export class TrackedRead extends Group implements BoundCommand {
  /** The server has taken CLIENT CACHING, so it tells of changes. */
  isTracked = false;
  /** Why the server has not taken CLIENT CACHING. */
  refusal: ErrorFrame | undefined = undefined;

  constructor(readonly command: Command<Frame>) {
    const commands = [command];
    super([CACHING, command], 'PIPELINE', false, commands, commands, '', asGroup(command.spec));
  }

  override readMember(frame: Frame): unknown {
    return frame;
  }

  /** The reply to the read as it came, an error included. */
  override answerOf([caching, reply]: unknown[]): Frame {
    this.isTracked = !(caching instanceof ErrorFrame || reply instanceof ErrorFrame);
    if (caching instanceof ErrorFrame) this.refusal = caching;
    return reply as Frame;
  }

  elsewhere(): Command {
    return elsewhere(this.command);
  }
}

/** A read for a cache of a cluster: which server it goes to, and tells of changes, is known where it is sent. */
export class KeptRead extends Command<Frame> implements BoundCommand {
  constructor(
    { spec, args, keys }: Command,
    private readonly reading: Reading,
  ) {
    super(spec, args, asItCame, keys);
  }

  /** The same as it is sent to a node; to none that has not got the slot, for it does not tell of changes. */
  at(home: Home, isAsked: boolean): Command {
    const isTold = !isAsked && home.tracker.refusal === undefined;
    return isTold ? trackedFor(this.reading, this, home) : this.elsewhere();
  }

  elsewhere(): Command {
    this.reading.home = undefined;
    return this;
  }
}

/** What is sent so that a server tells of changes of what is read. */
export function trackedFor(reading: Reading, read: Command<Frame>, home: Home): Command {
  reading.home = home;
  if (!home.tracker.isOptIn) return read;
  const tracked = new TrackedRead(read);
  reading.tracked = tracked;
  return tracked;
}

const GROUPS = new WeakMap<CommandSpec, CommandSpec>();

/** The facts of a command for a group of which it is the one that counts. */
function asGroup(spec: CommandSpec): CommandSpec {
  let group = GROUPS.get(spec);
  if (group === undefined) GROUPS.set(spec, (group = { ...spec, plain: false }));
  return group;
}

/** Reads that are made at one moment; their keys are tracked from it on. Its value has that of CLIENT CACHING first, where tracking is opt-in. */
export function readTogether(commands: readonly Command<Frame>[], isOptIn: boolean): Transaction {
  return new Transaction(isOptIn ? [CACHING, ...commands] : commands);
}
