/** So many keys of a client are remembered. */
const MOST = 10_000;

/** What a client knows of the keys that it has watched, so that the next time one command reads each of them. */
export class KnownTypes {
  /** the one that was watched longest ago first */
  private readonly types = new Map<string, string>();
  /** the types whose readers the user may not use, so that the server's log of refusals tells of each once */
  private readonly refused = new Set<string>();

  /** The type that a key had when it was last there, with its prefix; undefined where it was not watched. */
  of(key: string): string | undefined {
    return this.types.get(key);
  }

  /** @param type what the key is now; undefined where it is gone: then it stays known as what it was */
  note(key: string, type: string | undefined): void {
    const { types } = this;
    if (type === undefined) return;
    types.delete(key);
    types.set(key, type);
    if (types.size > MOST) types.delete(types.keys().next().value!);
  }

  /** Whether the user may read keys of a type, as far as that is known. */
  mayRead(type: string): boolean {
    return !this.refused.has(type);
  }

  /** Keys of a type were read, or the user was refused to. */
  noteReader(type: string, isRefused: boolean): void {
    if (isRefused) this.refused.add(type);
    else this.refused.delete(type);
  }
}
