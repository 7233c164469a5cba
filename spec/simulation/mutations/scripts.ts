import type { Mutation } from '../mutant';

/** Faults in calls of scripts. */
export const scriptMutations: readonly Mutation[] = [
  {
    fault: 'what is called behind the first call of a script runs before it when the server lacks the script',
    file: 'connection/special-writer.ts',
    from: 'if (this.push(request) && has === undefined) solitude.keep(request);',
    to: 'this.push(request);',
  },
  {
    fault: 'a call whose script the server has forgotten runs behind later ones: a NOSCRIPT that changes the order',
    file: 'connection/retrier.ts',
    from: 'request.tried(toReplyError(frame, request.command, request.past?.mayHaveRun, request.repeatable));\n    this',
    to: 'this',
  },
  {
    fault: 'a call that was answered NOSCRIPT is taken to have run, and overtakes those before it',
    file: 'commands/reply-error.ts',
    from: 'if (lacksScript(text, spec)) return true;',
    to: '',
  },
  {
    fault: 'a call fails for want of its script',
    file: 'connection/reply-effects.ts',
    from: 'if (lacks === true && !isAhead(request)) {',
    to: 'if (lacks === true && request.place < 0) {',
  },
  {
    fault: 'a script is taken to be there once the server has said that it is not',
    file: 'connection/loaded-scripts.ts',
    from: "if (knowledge?.kind !== 'there') this.note(id, { kind: 'missing' });",
    to: "if (knowledge?.kind !== 'there') this.note(id, { kind: 'there', since: number, bearer: -1, mayVanish: false });",
  },
  {
    fault: 'a script that the server lacks is brought along by EVAL alone, so that the server drops it for others',
    file: 'connection/special-writer.ts',
    from: 'const loads = has === false && tells ? this.load(script.replace) : 0;',
    to: 'const loads = 0;',
  },
];
