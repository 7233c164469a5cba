import type { Mutation } from '../mutant';

/** Faults in leaving a connection that leads to the wrong server. */
export const failoverMutations: readonly Mutation[] = [
  {
    fault: 'a replica is kept as if it were the master',
    file: 'connection/line.ts',
    from: 'if (link?.retiring !== undefined) {',
    to: 'if (link?.retiring !== undefined && link.pending < 0) {',
  },
  {
    fault: 'a link that leads to a replica is left before it has answered',
    file: 'connection/line.ts',
    from: 'else if (link.retiring !== undefined || this.backlog.pauseElapsed) this.flusher.schedule();',
    to: "else if (link.retiring !== undefined) link.lose(new ConnectionError('impatient'));",
  },
  {
    fault: 'a link that leads to a replica goes on writing',
    file: 'connection/line.ts',
    from: 'return this.link!.isOpen ? this.backlog.shift() : undefined;',
    to: 'return this.link!.inHandshake ? undefined : this.backlog.shift();',
  },
  {
    fault: 'what a replica refused is not sent to the master',
    file: 'connection/retrier.ts',
    from: "} else if (reaction === 'resend' && this.followsLink(request, error, frame)) {",
    to: "} else if (reaction === 'resend' && request.attempt < 0) {",
  },
];
