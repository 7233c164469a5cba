import { Random } from '../random';

/** What befalls a world, at a time of ms. */
export type Happening =
  | {
      readonly kind: 'failover';
      readonly at: number;
      readonly how: 'ordered' | 'killed' | 'hung';
      readonly to: number;
      /** from the announcement to the promotion, from there to what the leader tells, and to what others do; ms */
      readonly promotion: number;
      readonly told: number;
      readonly lags: readonly number[];
      /** the events of these sentinels are lost */
      readonly mute: readonly boolean[];
      /** until the old master is a replica, ms */
      readonly conversion: number;
      /** `slow`: no sentinel knows of the promotion for long; `unheard`: all know, and none tells */
      readonly trouble: 'slow' | 'unheard' | undefined;
    }
  | { readonly kind: 'aborted'; readonly at: number; readonly by: number; readonly after: number }
  | { readonly kind: 'lie'; readonly at: number; readonly by: number; readonly to: number }
  | { readonly kind: 'others'; readonly at: number; readonly by: number; readonly to: number }
  | {
      readonly kind: 'away';
      readonly at: number;
      readonly by: number;
      readonly state: 'down' | 'hung';
      readonly for: number;
    }
  | { readonly kind: 'tilt'; readonly at: number; readonly by: number; readonly for: number }
  | { readonly kind: 'cut'; readonly at: number; readonly by: number };

/** A world and what befalls it. */
export interface World {
  readonly servers: readonly number[];
  readonly sentinels: readonly number[];
  /** so many of the sentinels are given, the others are to be learnt */
  readonly given: number;
  /** one of them that stays behind for good, where there is another */
  readonly stuck: number | undefined;
  readonly happenings: readonly Happening[];
  /** when the connections of the master are cut, ms */
  readonly cuts: readonly number[];
  /** how often a command is called, ms */
  readonly pace: number;
  readonly end: number;
}

/** The same world for the same seed. */
export function drawWorld(seed: number): World {
  const random = new Random(seed + 7_000_000);
  const servers = [0, 1, 2].map(() => random.pick([0, 1, 1, 5, 30]));
  const sentinels = Array.from({ length: random.int(1, 3) }, () => random.pick([0, 1, 1, 5, 30]));
  const by = () => random.int(0, sentinels.length - 1);
  const happenings: Happening[] = [];
  // From a generator of its own, so that it takes no chance of other draws.
  const own = new Random(seed + 9_000_000);
  const cuts: number[] = [];
  let longer = 0;
  let at = random.int(0, 400);
  for (let times = random.int(1, 3); times > 0; times--) {
    const trouble = times > 1 ? undefined : own.pick([undefined, undefined, 'slow' as const, 'unheard' as const]);
    if (trouble !== undefined) longer = trouble === 'slow' ? 5_000 : 16_000;
    if (own.chance(0.7)) cuts.push(at + own.pick([1_500, 3_000, 4_000]));
    const to = random.int(0, 2);
    happenings.push({
      kind: 'failover',
      at,
      how: random.pick(['ordered', 'ordered', 'killed', 'hung']),
      to,
      promotion: random.pick([20, 70, 200]),
      told: random.pick([0, 30, 800]),
      lags: sentinels.map(() => random.pick([0, 10, 100, 1_500])),
      mute: sentinels.map(() => random.chance(0.2)),
      conversion: random.pick([0, 300, 5_000]),
      trouble,
    });
    at += random.int(1_500, 6_000);
  }
  for (let times = random.int(0, 4); times > 0; times--) {
    const when = random.int(0, at);
    happenings.push(
      random.pick<() => Happening>([
        () => ({ kind: 'aborted', at: when, by: by(), after: random.pick([50, 300, 3_000]) }),
        () => ({ kind: 'lie', at: when, by: by(), to: random.int(0, 2) }),
        () => ({ kind: 'others', at: when, by: by(), to: random.int(0, 2) }),
        () => ({
          kind: 'away',
          at: when,
          by: by(),
          state: random.pick(['down', 'hung']),
          for: random.pick([100, 2_000, 9_000]),
        }),
        () => ({ kind: 'tilt', at: when, by: by(), for: random.pick([100, 5_000]) }),
        () => ({ kind: 'cut', at: when, by: by() }),
      ])(),
    );
  }
  return {
    servers,
    sentinels,
    given: random.int(1, sentinels.length),
    stuck: sentinels.length > 1 && random.chance(0.3) ? by() : undefined,
    happenings,
    cuts,
    pace: random.pick([3, 10, 40]) * (longer === 0 ? 1 : 4),
    end: at + longer,
  };
}
