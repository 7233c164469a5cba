import { isBytes } from '../resp/is-bytes';
import { asBuffer } from '../resp/strings';

/** Remembers the last names that it was asked about: at least `most` of them, at most twice as many. */
export class RecentNames {
  // Two sets, of which the older one is dropped as a whole: a Set takes longer to find its oldest entry the more were deleted.
  private young = new Set<string>();
  private old = new Set<string>();

  constructor(private readonly most: number) {}

  /** Whether a name is none of those that are remembered; it is from now on. */
  isNew(name: string | Uint8Array): boolean {
    const key = isBytes(name) ? asBuffer(name).toString('latin1') : name;
    if (this.young.has(key)) return false;
    const isNew = !this.old.has(key);
    this.young.add(key);
    if (this.young.size >= this.most) {
      this.old = this.young;
      this.young = new Set();
    }
    return isNew;
  }
}
