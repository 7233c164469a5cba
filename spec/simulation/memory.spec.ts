import { setFlagsFromString } from 'node:v8';
import { runInNewContext, runInThisContext } from 'node:vm';
import { drawPlan } from './draw-plan';
import { simulate } from './simulation';
import { listenForErrors } from './user-errors';

const SEEDS = 60;
/** How often garbage is collected at most until nothing is left. */
const ROUNDS = 8;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What a run has made, and nobody may hold any more. */
class Made {
  private readonly kinds = new Map<string, WeakRef<object>[]>();

  add(kind: string, thing: object): void {
    this.kinds.set(kind, [...(this.kinds.get(kind) ?? []), new WeakRef(thing)]);
  }

  count(kind: string): number {
    return this.kinds.get(kind)?.length ?? 0;
  }

  get isHeld(): boolean {
    return Object.keys(this.left).length > 0;
  }

  /** How much of each kind is still there, of what is. */
  get left(): Record<string, number> {
    const left: Record<string, number> = {};
    for (const [kind, things] of this.kinds) {
      const count = things.filter((thing) => thing.deref() !== undefined).length;
      if (count > 0) left[kind] = count;
    }
    return left;
  }
}

describe('A client that lives and has nothing to do', () => {
  let stopListening: () => void;
  let made: Made;

  /** Of the specs, and of Node itself, whose errors a user's arguments may cause. */
  const kindsOfError = [Error, runInThisContext('Error') as typeof Error];
  const { stackTraceLimit } = Error;

  beforeEach(() => {
    // An error holds on to all whose methods stand in its stack, and the error is the user's.
    for (const kind of kindsOfError) kind.stackTraceLimit = 0;
    stopListening = listenForErrors();
    made = new Made();
  });
  afterEach(() => {
    for (const kind of kindsOfError) kind.stackTraceLimit = stackTraceLimit;
    stopListening();
  });

  it('holds no request, no reply and no observer of what it has done', async () => {
    const lefts: { readonly seed: number; readonly left: Record<string, number> }[] = [];
    const sizes = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      made = new Made();
      const atRest = async () => {
        // The time of the client stands still here: what it holds it holds for good. What others hold passes: RxJS tells the process
        // later of Subscribers that were told too much, and V8 lets go of what it compiles and of what it has begun to mark.
        for (let round = 0; round < ROUNDS && (round === 0 || made.isHeld); round++) {
          await new Promise((resolve) => setTimeout(resolve, 2 + 10 * round));
          collectGarbage();
        }
        lefts.push({ seed, left: made.left });
        for (const kind of ['request', 'observer', 'command', 'reply', 'topic'])
          sizes.set(kind, (sizes.get(kind) ?? 0) + made.count(kind));
      };
      const { violations } = await simulate(drawPlan(seed), {
        atRest,
        witness: (kind, thing) => made.add(kind, thing),
      });
      expect({ seed, violations }).toStrictEqual({ seed, violations: [] });
    }
    expect(lefts.filter(({ left }) => Object.keys(left).length > 0)).toStrictEqual([]);
    // It has seen something of each.
    expect(lefts.length).toBeGreaterThan(SEEDS / 4);
    expect([...sizes].filter(([, count]) => count < 20)).toStrictEqual([]);
  });
});
