/** So many keys of a client are remembered. */
const MOST = 1_000;

/** The types of the keys that were no strings when a client watched them last, so that they are read in one write with WATCH. */
export class KnownTypes {
  /** the one that was watched longest ago first */
  private readonly types = new Map<string, string>();

  /** The type that a key had, with its prefix; undefined where it was a string or none, or was not watched. */
  of(key: string): string | undefined {
    return this.types.get(key);
  }

  /** @param type what the key is now; undefined where it is a string or none, or its type is not known */
  note(key: string, type: string | undefined): void {
    const { types } = this;
    types.delete(key);
    if (type === undefined) return;
    types.set(key, type);
    if (types.size > MOST) types.delete(types.keys().next().value!);
  }
}
