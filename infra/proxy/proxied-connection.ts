import { connect, type Socket } from 'node:net';
import type { Direction, DirectionFaults } from './faults';
import { Lane, type LaneObserver } from './lane';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Bytes that arrived at either end. */
export type ByteCounts = Record<Direction, number>;

export interface ConnectionObserver {
  opened(): void;
  /** The target could not be reached. */
  unreachable(error: Error): void;
  closed(): void;
  passed(direction: Direction, bytes: number): void;
  /** The allowance of a direction is used up. */
  exhausted(direction: Direction): void;
}

/** One client's connection through the proxy: two sockets and a lane for each direction. */
export class ProxiedConnection {
  readonly bytes: ByteCounts = { toServer: 0, toClient: 0 };
  readonly #server: Socket;
  readonly #lanes: readonly [Lane, Lane];
  #openSockets = 2;
  #reached = false;
  /** The end that must still learn that the other one failed: on a dead line it learns nothing. */
  #unaware: Socket | null = null;

  /** @param id counts the connections of a proxy from 1 */
  constructor(
    readonly id: number,
    private readonly client: Socket,
    target: Target,
    private readonly faults: Readonly<Record<Direction, DirectionFaults>>,
    private readonly observer: ConnectionObserver,
  ) {
    // A half-closed side is passed on as it is: whether that ends the connection is for the two ends to say.
    this.#server = connect({ ...target, allowHalfOpen: true });
    this.#lanes = [
      new Lane(client, this.#server, faults.toServer, this.#laneObserver('toServer')),
      new Lane(this.#server, client, faults.toClient, this.#laneObserver('toClient')),
    ];
    this.#watch(client, this.#server);
    this.#watch(this.#server, client);
    this.#server.once('connect', () => {
      this.#reached = true;
      observer.opened();
    });
  }

  /** How many bytes wait to be passed on. */
  held(direction: Direction): number {
    return this.#lanes[direction === 'toServer' ? 0 : 1].held;
  }

  /** Ends the connection towards both ends: with a FIN, or with an RST when `reset` is asked for. */
  cut(how: 'close' | 'reset' = 'close'): void {
    for (const lane of this.#lanes) lane.close();
    for (const socket of [this.client, this.#server]) {
      if (how === 'reset' && !socket.connecting) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  /** Ends the connection towards the server only; the client is never told, and what it writes goes nowhere. */
  halfOpen(): void {
    for (const lane of this.#lanes) lane.close();
    this.#server.destroy();
    this.client.pause();
  }

  /** Takes notice of changed faults. */
  update(): void {
    this.#passOnFailure();
    for (const lane of this.#lanes) lane.update();
  }

  #laneObserver(direction: Direction): LaneObserver {
    return {
      passed: (bytes: number): void => {
        this.bytes[direction] += bytes;
        this.observer.passed(direction, bytes);
      },
      exhausted: (): void => this.observer.exhausted(direction),
    };
  }

  #watch(socket: Socket, other: Socket): void {
    // What is forwarded must leave as it is written, not when the kernel thinks it worth a packet.
    socket.setNoDelay(true);
    socket.on('error', (error) => {
      if (socket === this.#server && !this.#reached) this.observer.unreachable(error);
      this.#unaware = other;
      this.#passOnFailure();
    });
    socket.once('close', () => {
      if (--this.#openSockets === 0) this.observer.closed();
    });
  }

  /** One end was reset or failed: the other is told in the same way. */
  #passOnFailure(): void {
    const other = this.#unaware;
    if (other === null || this.faults.toServer.blackholed) return;
    for (const lane of this.#lanes) lane.close();
    if (other.connecting) other.destroy();
    else other.resetAndDestroy();
  }
}
