import { Command, type Arg, type KeyRange } from '../commands/command';
import { indicesOf } from '../commands/indices-of';
import { asItCame } from '../commands/replies/values';
import type { Request } from '../commands/request';
import type { Frame } from '../resp/frames';
import { slotOf } from '../resp/hash-slot';
import { Parts, mergeBy, type Part } from './parts';
import { notForCluster } from './refused';
import { endOf, splitRange } from './splittable';

/** What sends the parts. */
interface Sender {
  submitTo(slot: number, request: Request): void;
}

/** The keys of one slot, with what stands between them, and where the caller gave them. */
interface Share {
  readonly args: Arg[];
  readonly places: number[];
}

/**
 * Sends commands whose keys are in several slots: those whose facts allow it in a part a slot, which are written together and whose
 * replies become one. All others are refused unsent.
 */
export class Splitter {
  constructor(private readonly sender: Sender) {}

  submit(request: Request): void {
    const { command } = request;
    const range = splitRange(command);
    if (range === undefined) {
      request.fail(notForCluster(command));
      return;
    }
    const shares = sharesOf(command, range);
    const { spec } = command;
    const parts = [...shares].map(([slot, share]): Part => ({
      command: partOf(command, range, share),
      of: `slot ${slot}`,
    }));
    const slots = [...shares.keys()];
    const merge = spec.response === undefined ? inOrderOf([...shares.values()]) : mergeBy(spec.response);
    new Parts(request, parts, merge).send((part, index) => this.sender.submitTo(slots[index]!, part));
  }
}

function sharesOf({ args }: Command, range: KeyRange): Map<number, Share> {
  const shares = new Map<number, Share>();
  indicesOf(range, args.length).forEach((at, place) => {
    const slot = slotOf(args[at]!);
    let share = shares.get(slot);
    if (share === undefined) shares.set(slot, (share = { args: [], places: [] }));
    share.args.push(...args.slice(at, at + range.step));
    share.places.push(place);
  });
  return shares;
}

/** The same command with some of its keys. */
function partOf({ spec, args }: Command, range: KeyRange, share: Share): Command {
  const before = args.slice(0, range.from);
  if (spec.countAt !== undefined) before[spec.countAt] = share.places.length;
  const behind = args.slice(endOf(range, args.length));
  const own = [...before, ...share.args, ...behind];
  const last = range.from + (share.places.length - 1) * range.step;
  return new Command(spec, own, asItCame, [{ from: range.from, to: last, step: range.step }]);
}

/** Each part answers its keys in their order: all of them in the order of the caller. */
function inOrderOf(shares: readonly Share[]): (frames: readonly Frame[]) => Frame {
  return (frames) => {
    const all: Frame[] = [];
    frames.forEach((frame, part) => {
      const items = Array.isArray(frame) ? (frame as readonly Frame[]) : [frame];
      shares[part]!.places.forEach((place, index) => (all[place] = items[index] ?? null));
    });
    return all;
  };
}
