// The letters of `notify-keyspace-events`:
//   K names with the key, E names with the event; a class of events each: g generic, $ string, l list, s set, h hash, z sorted set, t stream,
//   d module, x expired, e evicted; A all of these; m key miss, n new key, o overwritten, c type changed are not among them
const ALL = 'g$lshzxetd';
const CLASSES = `${ALL}mnoc`;

/** The classes of events that their names do not show. */
const BY_NAME: Readonly<Record<string, string>> = {
  expired: 'x',
  evicted: 'e',
  keymiss: 'm',
  new: 'n',
  overwritten: 'o',
  type_changed: 'c',
  ...of('g', 'del', 'expire', 'persist', 'rename_from', 'rename_to', 'move_from', 'move_to', 'copy_to', 'restore'),
  ...of('$', 'set', 'setbit', 'setrange', 'append', 'incrby', 'incrbyfloat', 'pfadd'),
  ...of('l', 'sortstore'),
};

/** The others show theirs: by the beginnings of the commands that bring them about. */
const BY_BEGINNING: readonly (readonly [RegExp, string])[] = [
  [/^x[a-z]/, 't'],
  [/^(z|geo)/, 'z'],
  [/^h/, 'h'],
  [/^[lr](push|pop|insert|set|rem|trim|move)/, 'l'],
  [/^s(add|pop|rem|move|inter|union|diff)/, 's'],
];

/**
 * The flags that a server lacks to tell of events by their keys; an empty text where it lacks none.
 * @param flags what `notify-keyspace-events` says
 * @param events their names; undefined for all that the server tells of. Of one that is not known here it is not known what it needs
 */
export function missingFlags(flags: string, events: readonly string[] | undefined): string {
  const classes = events?.map(classOf);
  const needed = new Set(classes?.filter((one) => one !== undefined));
  let missing = flags.includes('K') ? '' : 'K';
  for (const one of needed) if (!covers(flags, one)) missing += one;
  const isAnyEnough = classes === undefined || classes.includes(undefined);
  if (isAnyEnough && ![...CLASSES].some((one) => covers(flags, one))) missing += 'A';
  return missing;
}

function covers(flags: string, one: string): boolean {
  return flags.includes(one) || (flags.includes('A') && ALL.includes(one));
}

function classOf(event: string): string | undefined {
  return BY_NAME[event] ?? BY_BEGINNING.find(([beginning]) => beginning.test(event))?.[1];
}

function of(letter: string, ...events: readonly string[]): Record<string, string> {
  return Object.fromEntries(events.map((event) => [event, letter]));
}
