import { Observable, type OperatorFunction } from 'rxjs';
import { ProtocolError } from '../errors';
import { Decoder, INCOMPLETE, type DecodedFor, type DecoderLimits } from './decoder';
import type { Frame } from './frames';

/**
 * Turns a stream of bytes, cut anywhere, into a stream of RESP frames.
 *
 * Chunks are used up before their `next` returns, so the source may reuse their memory. The decoder's state is whole whenever a
 * frame is emitted: nothing that a subscriber does or throws can disturb the frames that follow. Errors with a ProtocolError when
 * the bytes are not RESP.
 *
 * @example
 * socket.bytes$.pipe(decodeResp()).subscribe((frame) => console.log(frame));
 */
export function decodeResp(
  limits?: Partial<DecoderLimits>,
  decodedFor?: DecodedFor,
): OperatorFunction<Uint8Array, Frame> {
  return (bytes$) =>
    new Observable((subscriber) => {
      const decoder = new Decoder(limits, decodedFor);
      return bytes$.subscribe({
        next: (chunk) => {
          try {
            decoder.push(chunk);
            for (let frame = decoder.read(); frame !== INCOMPLETE; frame = decoder.read()) {
              subscriber.next(frame);
              if (subscriber.closed) return;
            }
            decoder.tellPart();
          } catch (error) {
            subscriber.error(
              error instanceof ProtocolError ? error : new ProtocolError(String(error), { cause: error }),
            );
          }
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
    });
}
