import type { WireReply } from './keyspace';
import type { Peer } from './peer';
import * as resp from './resp';
import { isOfStream } from './stream-desk';
import type { WireRequest } from './wire';

/** What transactions need of the server. */
interface Serving {
  /** why a command is refused before it runs */
  refusal(peer: Peer, request: WireRequest): string | undefined;
  /** runs a command: its reply, or why it failed */
  execute(peer: Peer, request: WireRequest): WireReply | string;
  fail(violation: string): void;
}

/** MULTI, what is queued behind it, and EXEC, as a server has them. */
//  MULTI ──▶ queued, or refused ──EXEC──▶ run in a row, or discarded
export class Transactions {
  constructor(private readonly serving: Serving) {}

  /** @returns whether the request is one of a transaction, and has been answered */
  take(peer: Peer, request: WireRequest): boolean {
    const { words } = request;
    if (words[0] === 'MULTI') this.begin(peer, request);
    else if (words[0] === 'EXEC') this.run(peer, request);
    else if (peer.transaction === undefined) return false;
    else this.queue(peer, request, peer.transaction);
    return true;
  }

  private begin(peer: Peer, request: WireRequest): void {
    if (peer.transaction !== undefined) this.serving.fail(`link ${peer.index}: MULTI inside a transaction`);
    peer.transaction = { queued: [], isAborted: false };
    peer.answer(resp.simple('OK'), request, { value: '"OK"' });
  }

  private queue(peer: Peer, request: WireRequest, transaction: NonNullable<Peer['transaction']>): void {
    if (request.id === undefined && !isOfStream(request.words))
      this.serving.fail(`link ${peer.index}: ${request.words[0]} came behind MULTI`);
    const refusal = this.serving.refusal(peer, request);
    if (refusal !== undefined) {
      transaction.isAborted = true;
      refuse(peer, request, request.id === undefined ? refusal : `${refusal} (${request.id})`);
      return;
    }
    transaction.queued.push(request);
    peer.answer(resp.simple('QUEUED'), request, { value: '"QUEUED"' });
  }

  private run(peer: Peer, request: WireRequest): void {
    const { transaction } = peer;
    if (transaction === undefined) {
      refuse(peer, request, 'ERR EXEC without MULTI');
      return;
    }
    peer.transaction = undefined;
    const { queued, isAborted } = transaction;
    if (isAborted) {
      refuse(peer, request, 'EXECABORT Transaction discarded because of previous errors.');
      return;
    }
    // Since it was queued, the server may have come to refuse it.
    const refusal = queued.map((one) => this.serving.refusal(peer, one)).find((one) => one !== undefined);
    if (refusal !== undefined) {
      refuse(peer, request, `EXECABORT Transaction discarded because of: ${refusal}`);
      return;
    }
    request.ran = true;
    const replies = queued.map((one) => this.resultOf(peer, one));
    const value = replies.map(([, canonical]) => canonical).join();
    peer.answer(resp.array(replies.map(([text]) => text)), request, { value: `[${value}]` });
  }

  private resultOf(peer: Peer, request: WireRequest): WireReply {
    const reply = this.serving.execute(peer, request);
    if (typeof reply === 'string') {
      request.result = { error: `${reply} (${request.id})` };
      return [resp.error(request.result.error), `!${request.result.error}`];
    }
    request.result = { value: reply[1] };
    return reply;
  }
}

function refuse(peer: Peer, request: WireRequest, error: string): void {
  peer.answer(resp.error(error), request, { error });
}
