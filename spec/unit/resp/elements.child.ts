import { Decoder, INCOMPLETE } from '../../../src/resp/decoder';
import { MOST_ELEMENTS } from '../../../src/resp/limits';

/** Reads an array of as many elements as may ever be allowed, as it would come from a socket. */
const decoder = new Decoder({ elements: MOST_ELEMENTS });
decoder.push(Buffer.from(`*${MOST_ELEMENTS}\r\n`));
decoder.read();
const elements = 2 ** 14;
const chunk = Buffer.from(':1\r\n'.repeat(elements));
let frame: unknown = INCOMPLETE;
for (let read = 0; read < MOST_ELEMENTS; read += elements) {
  decoder.push(chunk);
  frame = decoder.read();
}
console.log(Array.isArray(frame) && frame.length);
