import type { Mutation } from '../mutant';

/** A fault, and the seed that found it last. */
export interface SentinelMutation extends Mutation {
  readonly seed: number;
}

/** Faults that a client behind Sentinel could have. Each has to be found. */
export const sentinelMutations: readonly SentinelMutation[] = [
  {
    seed: 17,
    fault: 'a server is used whatever role it says it has',
    file: 'topology/sentinel-guide.ts',
    from: 'if (place === undefined || said === undefined || said === place.as) this.isConfirmed = true;',
    to: 'if (place?.as !== undefined) this.isConfirmed = true;',
  },
  {
    seed: 2,
    fault: 'the old master is written to until it hangs up',
    file: 'connection/guide.ts',
    from: '      link.retire(reason);\n',
    to: '',
  },
  {
    seed: 30,
    fault: 'an attempt at the old master is not broken off',
    file: 'connection/guide.ts',
    from: 'if (link === undefined || link.inHandshake) {',
    to: 'if (link?.inHandshake === undefined) {',
  },
  {
    seed: 1,
    fault: 'the queue flows while a replica is promoted',
    file: 'topology/promotion.ts',
    from: 'this.hold$.next(LONGEST_HOLD);',
    to: 'this.hold$.next(1);',
  },
  {
    seed: 1,
    fault: 'the queue waits for a promotion that is off',
    file: 'topology/promotion.ts',
    from: 'this.hold$.next(0);',
    to: '',
  },
  {
    seed: 33,
    fault: 'a link that is made while a replica is promoted is not held',
    file: 'connection/guide.ts',
    from: 'line.pause(guide.holding());',
    to: '',
  },
  {
    seed: 175,
    fault: 'a sentinel that was not elected lets go what another holds',
    file: 'topology/promotion.ts',
    from: 'if (by !== this.announcer) return undefined;',
    to: '',
  },
  {
    seed: 9,
    fault: 'a link that is made before sentinels know of a promotion leads to the old master',
    file: 'topology/sentinels.ts',
    from: "if (nameOf(ahead) !== doubted) return of<Place>({ address: ahead, as: 'master' });",
    to: '',
  },
  {
    seed: 20,
    fault: 'a sentinel that does not answer is asked without delay',
    file: 'topology/sentinel.ts',
    from: 'const FIRST_DELAY = 250;',
    to: 'const FIRST_DELAY = 0;',
  },
  {
    seed: 1,
    fault: 'sentinels are listened to by clients that have ended',
    file: 'topology/sentinels.ts',
    from: 'for (const sentinel of this.known.values()) sentinel.end();',
    to: '',
  },
  {
    seed: 5,
    fault: 'the replica is not asked what has become of it',
    file: 'topology/promotion.ts',
    from: '.subscribe(() => onPromoted(promoted, by));',
    to: '.subscribe(() => onPromoted);',
  },
  {
    seed: 12,
    fault: 'a sentinel that is behind is believed',
    file: 'topology/master-belief.ts',
    from: 'return epoch !== undefined && epoch < this.epoch;',
    to: 'return epoch === -1;',
  },
  {
    seed: 4,
    fault: 'a sentinel is asked once and then listened to',
    file: 'topology/sentinel.ts',
    from: 'this.askIn(this.listener?.hears === true ? POLL : POLL_SILENT);',
    to: 'if (this.listener?.hears !== true) this.askIn(POLL_SILENT);',
  },
  {
    seed: 2,
    fault: 'what is told of another service is followed',
    file: 'topology/sentinel-replies.ts',
    from: 'words[0] === service ? readAddress',
    to: 'words[0] !== undefined ? readAddress',
  },
  {
    seed: 30,
    fault: 'what a sentinel tells counts for more than what it answers to the question that follows',
    file: 'topology/master-belief.ts',
    from: '(isCorrected && epoch === this.epoch)',
    to: 'this.epoch < -1',
  },
  {
    seed: 129,
    fault: 'the queue flows to a master that is being replaced, once that is heard to be one',
    file: 'topology/promotion.ts',
    from: 'return replaced !== undefined && nameOf(replaced) === nameOf(address);',
    to: 'return replaced === address;',
  },
  {
    seed: 356,
    fault: 'the queue waits for a promotion that is done, at the server that was believed to be the master all along',
    file: 'topology/sentinels.ts',
    from: 'isOther || promotion.promotes(address)',
    to: 'isOther',
  },
];
