import { Command } from '../commands/command';
import { Refusal, reasonOf } from '../commands/reply-error';
import { ReplyError, type RedisError } from '../errors';
import { Unreadable, type ErrorFrame } from '../resp/frames';

/** What the refusal of a node says of where a command belongs. */
export type Verdict =
  /** another node has the slot; or, while that moves, may have the key */
  | { readonly kind: 'moved' | 'ask'; readonly slot: number; readonly address: string }
  /** some of the keys have moved, and others not yet */
  | { readonly kind: 'split' }
  /** no node serves the slot, or all are refused because one is not served */
  | { readonly kind: 'down' };

/** A command is sent to another node so often; then it fails with what the last has answered. */
export const MOST_HOPS = 16;

const ELSEWHERE = /^(MOVED|ASK) (\d{1,5}) (\S+)$/;

/**
 * Reads a refusal.
 * @returns undefined where it says nothing of slots
 */
export function verdictOf(frame: ErrorFrame): Verdict | undefined {
  const text = textOf(frame);
  if (text === undefined) return undefined;
  const [, word, slot, address] = ELSEWHERE.exec(text) ?? [];
  if (word !== undefined) return { kind: word === 'ASK' ? 'ask' : 'moved', slot: Number(slot), address: address! };
  if (text.startsWith('TRYAGAIN ')) return { kind: 'split' };
  return text.startsWith('CLUSTERDOWN ') ? { kind: 'down' } : undefined;
}

/** What the server said; of a transaction, of the first of its commands that it refused. */
function textOf(frame: ErrorFrame): string | undefined {
  if (frame instanceof Unreadable) return undefined;
  if (!(frame instanceof Refusal)) return frame.text;
  // Without MULTI each command ran by itself.
  if (frame.fate !== undefined) return undefined;
  return frame.causes[0]?.error.message ?? frame.text;
}

/** How long a command waits that was sent on for the so-manieth time, ms: two nodes that name each other are not to be asked without end. */
export function delayOfHop(hops: number): number {
  return hops < 3 ? 0 : Math.min(200, 10 * 2 ** (hops - 3));
}

/** What nodes answer where a slot is not theirs, or not wholly. */
const MOVING = new Set(['MOVED', 'ASK', 'TRYAGAIN', 'CLUSTERDOWN']);

/** Whether an error tells that a node does not have the slot any more. Nothing has run. */
export function tellsOfMove(error: RedisError): boolean {
  return error instanceof ReplyError && MOVING.has(reasonOf(error));
}

/** The same command, which is looked at when it is written, so that ASKING goes before it. */
export function behindAsking<T>(command: Command<T>): Command<T> {
  if (!command.spec.plain) return command;
  const { spec, args, read, keys } = command;
  return new Command({ ...spec, plain: false }, args, read, keys);
}

/** What ASK names: a node that may have the key; undefined for other errors. */
export function addressOfAsk(error: RedisError): string | undefined {
  const [, word, , address] = (error instanceof ReplyError && ELSEWHERE.exec(error.message)) || [];
  return word === 'ASK' ? address : undefined;
}
