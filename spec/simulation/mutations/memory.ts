import type { Mutation } from '../mutant';

/** Faults in what a client keeps. */
export const memoryMutations: readonly Mutation[] = [
  {
    fault: 'every request is remembered',
    file: 'connection/line.ts',
    from: 'this.backlog.push(request);\n    if (!autoPipeline)',
    to: 'this.backlog.push(request);\n    ((this as unknown as { past?: Request[] }).past ??= []).push(request);\n    if (!autoPipeline)',
  },
  {
    fault: 'a request stays in its slot',
    file: 'connection/ring.ts',
    from: 'this.slots[this.head] = undefined;\n    this.head',
    to: 'this.head',
  },
  {
    fault: 'buffers that are full are kept',
    file: 'resp/encoder.ts',
    from: 'if (this.end > this.start) chunks.push(this.buffer.subarray(this.start, this.end));',
    to: 'if (this.end > this.start) chunks.push(this.buffer.subarray(this.start, this.end));\n    ((this as unknown as { past?: Uint8Array[] }).past ??= []).push(...chunks);',
  },
  {
    fault: 'who left that wanted bytes is counted still',
    file: 'pubsub/pubsub.ts',
    from: 'this.countBytesWanted(asBytes ? -1 : 0);',
    to: '',
  },
  {
    fault: 'every reconnect listens to messages once more',
    file: 'pubsub/reconciler.ts',
    from: 'this.asking.unsubscribe();\n    this.asking = new Subscription();',
    to: 'this.parts.carrier()?.line.residents.add({ listening: false, receive() {}, beforeWrite() {}, restore: () => EMPTY, suspend: () => EMPTY, resume: () => EMPTY });\n    this.asking.unsubscribe();\n    this.asking = new Subscription();',
  },
];
