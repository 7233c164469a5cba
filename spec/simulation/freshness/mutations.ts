import type { Mutation } from '../mutant';

/** Faults that caches and live queries have had, or could have. Each has to be found. */
export const freshnessMutations: readonly Mutation[] = [
  {
    fault: 'a read that was in flight is kept although its key was written to meanwhile',
    file: 'freshness/cache-store.ts',
    from: '    if (!(place instanceof Map)) {\n      this.remove(place);',
    to: '    if (!(place instanceof Map)) {\n      if (place.reading === undefined) this.remove(place);',
  },
  {
    fault: 'a lost connection leaves what was kept',
    file: 'freshness/cache.ts',
    from: '      lost: dropOf,',
    to: '      lost: () => undefined,',
  },
  {
    fault: 'an own write drops nothing when it is called',
    file: 'freshness/own-writes.ts',
    from: '      this.touched(name);',
    to: '',
  },
  {
    fault: 'FLUSHALL drops nothing',
    file: 'freshness/tracker.ts',
    from: 'this.tell((user) => user.allInvalidated());\n    else',
    to: 'return;\n    else',
  },
  {
    fault: 'a live query is not read anew after a loss',
    file: 'freshness/live-query.ts',
    from: '  lost(): void {\n    this.stop();',
    to: '  lost(): void {',
  },
  {
    fault: 'the first Observer of a query that was invalidated while it was read does not count',
    file: 'freshness/live-query.ts',
    from: 'if (state.isOutdated) this.readInTime();',
    to: 'if (state.isOutdated) newcomers.length === this.answers$.size ? this.stop() : this.readInTime();',
  },
  {
    fault: 'a value that is out of date is given to an Observer that joins',
    file: 'freshness/live-query.ts',
    from: "if (this.state.kind === 'current') this.welcome(",
    to: 'if (this.answer !== undefined) this.welcome(',
  },
  {
    fault: 'the commands of a tuple are read at different moments',
    file: 'freshness/tracked-read.ts',
    from: 'return new Transaction(isOptIn ? [CACHING, ...commands] : commands);',
    to: "return new Group(isOptIn ? [CACHING, ...commands] : commands, 'PIPELINE', false) as Transaction;",
  },
  {
    fault: 'the server is not told which read is to be tracked',
    file: 'freshness/tracker.ts',
    from: "return this.mode.kind === 'optin';",
    to: 'return false;',
  },
  {
    fault: 'an entry that is used again is still what its former read fills',
    file: 'freshness/cache-store.ts',
    from: '} else reading.entry = undefined;',
    to: '}',
  },
  {
    fault: 'writes inside transactions and pipelines drop nothing when they are called',
    file: 'freshness/own-writes.ts',
    from: '  if (isGroup(command)) {\n',
    to: "  if (isGroup(command)) {\n    if (command.commands.length > 0) return 'nothing';\n",
  },
  {
    fault: 'a write to several keys drops the first alone when it is called',
    file: 'freshness/own-writes.ts',
    from: 'if (command.keys.length > 0) return namesOf(command);',
    to: 'if (command.keys.length > 0) return namesOf(command).slice(0, 1);',
  },
  {
    fault: 'a script that names no keys drops nothing when it is called',
    file: 'freshness/own-writes.ts',
    from: "return spec.access === 'write' || spec.foreign === true || runsScripts(spec) ?",
    to: 'return spec.foreign === true ?',
  },
  {
    fault: 'what is kept of a silent connection goes on being handed out',
    file: 'freshness/tracked-connection.ts',
    from: '      cache()?.dropOf(this);\n      if (isSure',
    to: '      if (isSure',
  },
  {
    fault: 'a silent connection is not left for its live queries',
    file: 'freshness/tracked-connection.ts',
    from: 'if (isSure && this.queryCount > 0) this.leave(limit());',
    to: '',
  },
  {
    fault: 'a connection is not looked after any more once it was lost',
    file: 'freshness/silence.ts',
    from: "connection.state$.subscribe(({ kind }) => kind === 'ready' && isNeeded() && this.watch());",
    to: '',
  },
];
