import type { Peer } from './peer';
import type { WireRequest } from './wire';

/** What a desk, where a server answers what is asked of one kind of key, needs of the server. */
export interface DeskServing {
  /** why a command is refused just now */
  refusal(peer: Peer, request: WireRequest): string | undefined;
  now(): number;
  /** something happens at the server, so many ms from now */
  after(delay: number, work: () => void): { unsubscribe(): void };
  /** a connection that waited goes on */
  goOn(peer: Peer): void;
  /** a connection is ended by the server */
  hangUp(peer: Peer): void;
  fail(violation: string): void;
}
