import type { Mutation } from '../mutant';

/** Faults in leaving a connection that leads to the wrong server. */
export const failoverMutations: readonly Mutation[] = [
  {
    fault: 'a replica is kept as if it were the master',
    file: 'connection/multiplexer.ts',
    from: 'if (retiring !== undefined && !this.owesSoon()) {',
    to: 'if (retiring !== undefined && this.inFlight.length < 0) {',
  },
  {
    fault: 'a link that leads to a replica is left before it has answered',
    file: 'connection/multiplexer.ts',
    from: 'if (this.inFlight.length === 0 || this.draining) this.rest();',
    to: "if (this.inFlight.length === 0 || this.draining) this.rest();\n    else if (this.retrier.retiring) this.breakLink(new ConnectionError('impatient'));",
  },
  {
    fault: 'what a replica refused is not sent to the master',
    file: 'connection/retrier.ts',
    from: "reaction === 'resend' && request.past?.resent !== true",
    to: "reaction === 'resend' && request.attempt < 0",
  },
];
