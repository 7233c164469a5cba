import { textOfBytes } from '../resp/strings';
import { Command, type CommandSpec } from './command';
import { withBinary } from './define-spec';
import { StreamEntry } from './replies/stream-entries';
import { isBytes } from '../resp/is-bytes';

/** Makes text of a value that was read from bytes. A client whose prefix is not UTF-8 decodes replies as bytes, also for its string surface. */
export function inText(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isBytes(value)) return textOfBytes(value);
  if (Array.isArray(value)) return value.map(inText);
  if (value instanceof Map) return new Map([...value].map(([key, held]) => [inText(key), inText(held)]));
  if (value instanceof StreamEntry) return value.mapped(inText);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return value; // an error of EXEC
  const record = value as Record<string, unknown>;
  for (const name of Object.keys(record)) record[name] = inText(record[name]);
  return record;
}

const BINARY_SPECS = new WeakMap<CommandSpec, CommandSpec>();

/** The same command with a reply that is decoded as bytes on every surface, and made text after it was read, where text is wanted. */
export function readAsBytes<T>(command: Command<T>): Command<T> {
  const { spec, args, read, keys } = command;
  // A group reads member by member, and each has been through this by itself.
  if (spec.binary === true || command.constructor !== Command) return command;
  let binary = BINARY_SPECS.get(spec);
  if (binary === undefined) BINARY_SPECS.set(spec, (binary = withBinary(spec)));
  const readInText: typeof read = (frame, context) => {
    const value = read(frame, context);
    return context.bytes ? value : (inText(value) as T);
  };
  return new Command(binary, args, readInText, keys);
}
