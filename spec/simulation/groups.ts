import type { Replay } from '../../src/commands/command';
import { calls, type Call, type CallName } from './calls';
import type { SendItem } from './plan';

/** Ids of the members of groups: behind all others, so many to a group. */
const MEMBERS = 100_000_000;
const MOST = 1_000;

const WORSE: readonly Replay[] = ['read', 'same', 'state', 'no'];

/** The id that a member's arguments name, so that the server's record names group and member. */
export function memberId(group: number, member: number): number {
  return MEMBERS + group * MOST + member;
}

/** Which member of which group an id is; undefined where it is that of a command by itself. */
export function memberOf(id: number): { readonly group: number; readonly member: number } | undefined {
  if (id < MEMBERS) return undefined;
  return { group: Math.floor((id - MEMBERS) / MOST), member: (id - MEMBERS) % MOST };
}

/** A member as the command that it would be by itself. */
export function memberItem(item: SendItem, member: number): SendItem {
  return { ...item, id: memberId(item.id, member), call: item.members![member]! };
}

/** The command, or the group of commands, of an item. */
export function callOf({ call, members, transaction }: SendItem): Call {
  return call === 'group' ? groupOf(members!, transaction === true) : calls[call];
}

/** It holds what cannot be encoded. */
export function isUnencodable({ call, members }: SendItem): boolean {
  return call === 'unencodable' || members?.includes('unencodable') === true;
}

function groupOf(members: readonly CallName[], isTransaction: boolean): Call {
  const worst = Math.max(...members.map((name) => WORSE.indexOf(calls[name].replay)));
  return {
    name: isTransaction ? 'MULTI' : 'PIPELINE',
    replay: WORSE[worst]!,
    writes: false,
    gives: undefined,
    // The surface of the members is that of the group.
    send: (view, item) => {
      const replies = members.map((name, member) => (calls[name] as Call).send(view, memberItem(item, member)));
      const commands = replies.map(({ command }) => command);
      return isTransaction ? view.multi(commands) : view.pipeline(commands);
    },
  };
}
