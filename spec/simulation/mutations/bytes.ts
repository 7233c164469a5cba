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
    file: 'resp/gathered-line.ts',
    from: 'this.bytes.set(piece, this.length);',
    to: 'if (this.length === 0) this.bytes = piece as Buffer;\n    else this.bytes.set(piece, this.length);',
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
