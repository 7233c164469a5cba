import type { Mutation } from '../mutant';

/** Faults in the memory that requests and replies are made of. */
export const byteMutations: readonly Mutation[] = [
  {
    fault: 'memory is encoded into that the socket still holds',
    file: 'connection/outgoing.ts',
    from: 'encoder.release(this.socket.drained);',
    to: 'encoder.release(true);',
  },
  {
    fault: 'a line cut in two keeps memory that is read into again',
    file: 'resp/decoder.ts',
    from: 'this.cutLine = Buffer.from(rest);',
    to: 'this.cutLine = rest;',
  },
  {
    fault: 'bytes that are handed out lie in memory that is read into again',
    file: 'resp/decoder.ts',
    from: 'return shared ? Buffer.from(bytes) : bytes;',
    to: 'return bytes;',
  },
  {
    fault: 'a batch larger than the buffer is sent in pieces that overtake each other',
    file: 'resp/encoder.ts',
    from: 'this.closePiece();\n    this.chunks.push(bytes);',
    to: 'this.chunks.push(bytes);\n    this.closePiece();',
  },
];
