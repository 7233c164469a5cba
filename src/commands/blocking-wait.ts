import { textOf, type Command } from './command';

/**
 * How long a command may wait at the server, ms: Infinity for ever, undefined when it does not wait at all, as XREAD without
 * BLOCK.
 */
export function blockingWait({ spec: { blocking }, args }: Command): number | undefined {
  if (blocking === undefined) return undefined;
  const at = blocking.timeout === 'BLOCK' ? blockArgument(args) : blocking.timeout;
  if (at === undefined) return undefined;
  const wait = Number(textOf(args.at(at))) * (blocking.unit === 's' ? 1000 : 1);
  return wait > 0 ? wait : Infinity;
}

/** BLOCK stands before STREAMS; behind it, it is the name of a key. */
function blockArgument(args: Command['args']): number | undefined {
  for (let i = 0; i < args.length; i++) {
    const token = textOf(args[i]).toUpperCase();
    if (token === 'BLOCK') return i + 1;
    if (token === 'STREAMS') return undefined;
    if (token === 'GROUP') i += 2; // the names of the group and the consumer, whatever they are
  }
  return undefined;
}
