/** What a rule remembers by name. */
export class PerName<T> {
  private readonly values = new Map<string, T>();

  constructor(private readonly begin: (name: string) => T) {}

  of(name: string): T {
    let value = this.values.get(name);
    if (value === undefined) this.values.set(name, (value = this.begin(name)));
    return value;
  }
}
