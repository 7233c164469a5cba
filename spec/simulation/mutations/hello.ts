import type { Mutation } from '../mutant';

/** Faults in what the reply to HELLO is taken for. */
export const helloMutations: readonly Mutation[] = [
  {
    fault: 'a reply to HELLO that contradicts itself is taken by its form',
    file: 'connection/hello.ts',
    from: 'if (named !== form) {',
    to: 'if (named < 0) {',
  },
  {
    fault: 'a reply to HELLO that contradicts itself is taken by its word',
    file: 'connection/hello.ts',
    from: 'const form = frame instanceof Map ? 3 : 2;',
    to: 'const form = named === 3 ? 3 : 2;',
  },
  {
    fault: 'an array that answers HELLO is taken for RESP3',
    file: 'connection/hello.ts',
    from: 'protocol: form,',
    to: 'protocol: 3,',
  },
  {
    fault: 'RESP2 is taken where RESP3 is wanted',
    file: 'connection/handshake.ts',
    from: 'if (server.protocol === 2 && protocol === 3) return throwError(() => speaksResp2());',
    to: '',
  },
  {
    fault: 'a server that answers HELLO in RESP2 is left although that will do',
    file: 'connection/handshake.ts',
    from: 'if (server.protocol === 2 && protocol === 3) return',
    to: 'if (server.protocol === 2) return',
  },
];
