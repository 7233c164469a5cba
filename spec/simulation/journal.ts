/** What happened in a run: a fingerprint always, the lines themselves when somebody wants to read them, and what was wrong. */
export class Journal {
  readonly violations: string[] = [];
  readonly counts = new Map<string, number>();
  private low = 0xdeadbeef;
  private high = 0x41c6ce57;

  constructor(
    private readonly now: () => number,
    private readonly lines?: string[],
  ) {}

  // Hot: for every step of a run.
  note(what: string, ...facts: readonly (string | number | boolean | undefined)[]): void {
    this.mix(this.now());
    this.mixText(what);
    for (const fact of facts) {
      if (typeof fact === 'number') this.mix(fact);
      else this.mixText(String(fact));
    }
    this.lines?.push(
      `${String(this.now()).padStart(6)}  ${[what, ...facts.filter((fact) => fact !== undefined)].join(' ')}`,
    );
  }

  /** Counts what a run came across, so that a batch can tell what it has tried. */
  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  fail(violation: string): void {
    this.note('VIOLATION', violation);
    this.violations.push(violation);
  }

  /** Two runs of a seed have the same. */
  get hash(): string {
    return (this.high >>> 0).toString(16).padStart(8, '0') + (this.low >>> 0).toString(16).padStart(8, '0');
  }

  private mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.mix(text.charCodeAt(i));
  }

  private mix(number: number): void {
    this.low = Math.imul(this.low ^ number, 0x9e3779b1);
    this.high = Math.imul(this.high ^ (number + (this.low >>> 16)), 0x5f356495);
  }
}
