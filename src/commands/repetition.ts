import type { Command, Replay } from './command';
import { keysOf } from './prefix';
import { textOf } from './text-of';

const WORSE: readonly Replay[] = ['read', 'same', 'state', 'no'];

/**
 * What a repetition of several commands does. A group is repeated as a whole, so it is as harmless as its most harmful member. Where it
 * writes to a key that another member names as well, the second copy meets what the first has left, and may answer otherwise.
 *
 * It is worked out in steps, because a group may have 100 000 commands.
 */
//  each member by itself ──'same'──▶ which keys each names ──▶ known
//                        └─ all else ───────────────────────▶ known
export class Repetition {
  private worst = 0;
  private looked = 0;
  private named = 0;
  /** The keys that were named so far, and the settings, and whether a member has written to each. */
  private readonly keys = new Map<string, boolean>();
  private readonly settings = new Map<string, boolean>();
  private known: Replay | undefined;

  constructor(private readonly members: readonly Command[]) {}

  /** Looks at the rest. */
  get replay(): Replay {
    this.isKnown(Infinity);
    return this.known!;
  }

  /** It changes nothing: no key has to be looked at for that. */
  get isRead(): boolean {
    return this.known === undefined ? this.members.every(({ replay }) => replay === 'read') : this.known === 'read';
  }

  /**
   * Takes a step.
   * @param most so many members are looked at in it
   * @returns whether it is known by now
   */
  isKnown(most: number): boolean {
    if (this.known !== undefined) return true;
    const { members } = this;
    let { worst } = this;
    const start = this.looked;
    const end = Math.min(members.length, start + most);
    while (this.looked < end) worst = Math.max(worst, WORSE.indexOf(members[this.looked++]!.replay));
    this.worst = worst;
    if (end < members.length) return false;
    const replay = WORSE[worst]!;
    return replay === 'same' ? this.areApart(most - (end - start)) : this.tell(replay);
  }

  /** Each member by itself could be repeated: whether they can together depends on what they name. */
  private areApart(most: number): boolean {
    const { members } = this;
    const end = Math.min(members.length, this.named + most);
    while (this.named < end) if (this.meets(members[this.named++]!)) return this.tell('state');
    return end === members.length && this.tell('same');
  }

  private tell(replay: Replay): true {
    this.known = replay;
    this.keys.clear();
    this.settings.clear();
    return true;
  }

  /** Whether a member reads what another before it writes, or the other way round. */
  private meets(member: Command): boolean {
    const { spec, keys } = member;
    const hasKeys = keys.length > 0;
    // Without a key it reads or writes every key, perhaps, or the settings of commands with its first word.
    if (!hasKeys && (spec.access !== 'none' || spec.foreign === true)) return this.members.length > 1;
    const places = hasKeys ? keysOf(member).map(textOf) : [spec.name.split(' ', 1)[0]!];
    const before = hasKeys ? this.keys : this.settings;
    const writes = member.replay !== 'read';
    for (const place of places) {
      const isWritten = before.get(place);
      if (isWritten === true || (writes && isWritten === false)) return true;
    }
    for (const place of places) before.set(place, writes);
    return false;
  }
}
