import type { Mutation } from '../mutant';

/** Faults in how a client is let in, or is not. */
export const handshakeMutations: readonly Mutation[] = [
  {
    fault: 'AUTH is written behind commands that are not answered',
    file: 'connection/solitude.ts',
    from: 'if (!this.isRequired || (this.owed.length === 0 && count === 0)) return false;',
    to: 'if (!this.isRequired || count === 0) return false;',
  },
  {
    fault: 'AUTH is written together with others',
    file: 'connection/solitude.ts',
    from: 'if (!this.isRequired || (this.owed.length === 0 && count === 0)) return false;',
    to: 'if (!this.isRequired || this.owed.length === count) return false;',
  },
  {
    fault: 'others are written behind AUTH before it is answered',
    file: 'connection/solitude.ts',
    from: 'if (!this.isRequired) return;\n    this.alone = request;',
    to: 'if (!this.isRequired) return;',
  },
  {
    fault: 'a server that leaves AUTH unanswered is kept',
    file: 'connection/solitude.ts',
    from: '}, connectTimeout);',
    to: '}, 1e6);',
  },
  {
    fault: 'a refused SELECT is overlooked',
    file: 'connection/handshake.ts',
    from: 'const refused = told.find(({ refusal, isCourtesy }) => refusal !== undefined && !isCourtesy);',
    to: "const refused = told.find(({ refusal }) => refusal?.kind === 'WRONGPASS' || refusal?.kind === 'NOAUTH');",
  },
  {
    fault: 'connect() waits although the server refuses the client for good',
    file: 'connection/connection.ts',
    from: "if (state.kind === 'reconnecting' && (this.lastError.isIncurable || isFinal(state.error))) throw state.error;",
    to: '',
  },
  {
    fault: 'connect() fails at every loss',
    file: 'connection/connection.ts',
    from: "if (state.kind === 'reconnecting' && (this.lastError.isIncurable || isFinal(state.error))) throw state.error;",
    to: "if (state.kind === 'reconnecting') throw state.error;",
  },
  {
    fault: 'what waits is not told that the sign-in is refused',
    file: 'connection/admission.ts',
    from: 'if (isHopeless) this.line.failQueued(',
    to: 'if (this.lastError.isIncurable) this.line.failQueued(',
  },
  {
    fault: 'a server that is full is taken for one without HELLO',
    file: 'connection/farewell.ts',
    from: 'FAREWELL.test(frame.text)',
    to: 'FAREWELL.test(frame.text) && frame.text === ""',
  },
  {
    fault: 'NOPROTO is no reason to speak RESP2',
    file: 'connection/handshake.ts',
    from: "if (repeatable || kind === 'WRONGPASS') return false;",
    to: "if (repeatable || kind === 'WRONGPASS' || kind === 'NOPROTO') return false;",
  },
  {
    fault: 'what user code throws in the handshake comes out as it is',
    file: 'connection/handshaker.ts',
    from: 'throw new ConnectionError(message, { cause });',
    to: 'throw error;',
  },
  {
    fault: 'a source of credentials that fails breaks the link',
    file: 'connection/handshaker.ts',
    from: 'this.parts.onError(error);\n        return EMPTY;\n      }),\n      concatMap',
    to: 'this.parts.onError(error);\n        return throwError(() => error);\n      }),\n      concatMap',
  },
  {
    fault: 'credentials may take for ever',
    file: 'connection/handshaker.ts',
    from: 'timeout({ first: connectTimeout,',
    to: 'timeout({ first: 1e8,',
  },
  {
    fault: 'a courtesy that is refused breaks the handshake',
    file: 'connection/handshake.ts',
    from: "const isCourtesy = command.spec.name === 'CLIENT SETINFO' || settings.includes(command);",
    to: 'const isCourtesy = settings.length < 0;',
  },
  {
    fault: 'a name that a user may not give breaks the handshake',
    file: 'connection/handshake.ts',
    from: "(kind === 'NOPERM' || kind === 'ERR')",
    to: "kind === 'ERR'",
  },
  {
    fault: 'a name that is refused for the moment is done without',
    file: 'connection/handshake.ts',
    from: "(kind === 'NOPERM' || kind === 'ERR')",
    to: 'kind.length > 0',
  },
  {
    fault: 'SUBSCRIBE that is refused for the moment ends the subscription',
    file: 'pubsub/subscriptions.ts',
    from: 'if (error.repeatable) {',
    to: 'if (error.repeatable && this.asked.size < 0) {',
  },
  {
    fault: 'the database is not selected again where HELLO is refused',
    file: 'connection/handshake.ts',
    from: 'return inResp2(send, options, missing);',
    to: "return inResp2(send, options, missing.filter(({ spec }) => spec.name === 'CLIENT SETINFO'));",
  },
  {
    fault: 'a subscribed connection is signed in again as any other',
    file: 'connection/handshaker.ts',
    from: 'const inTheWay = carriesMessages ? [...residents] : [];',
    to: 'const inTheWay = [...residents].slice(residents.count);',
  },
  {
    fault: 'the database that was selected last is forgotten with the connection',
    file: 'connection/session.ts',
    from: 'this.database = Number(textOf(args[0]));',
    to: '',
  },
];
