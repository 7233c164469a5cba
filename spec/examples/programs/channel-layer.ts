import type { Subscription } from 'rxjs';
import { finalize, map, type Observable } from 'rxjs';
import type { Redis } from 'rxjs-redis';

/** What a WebSocket is to a channel layer. */
export interface Socket {
  send(text: string): void;
}

/**
 * Carries messages between the processes of a WebSocket back end. Sockets join groups and leave them; what is sent to a group reaches
 * each of its sockets, in whatever process that is. However many sockets of a process are in a group, the server sends it each
 * message once.
 * @example
 * server.on('connection', (socket) => {
 *   layer.join('lobby', socket);
 *   socket.on('message', (text) => layer.send('lobby', text).forget());
 *   socket.on('close', () => layer.leaveAll(socket));
 * });
 */
export class ChannelLayer {
  private readonly memberships = new Map<Socket, Map<string, Subscription>>();

  constructor(
    private readonly redis: Redis,
    private readonly name = 'layer',
  ) {}

  /** The messages of a group, for whatever else wants them. */
  messages(group: string): Observable<string> {
    return this.redis.subscribe(this.channelOf(group), { literal: true }).pipe(map(({ data }) => data));
  }

  join(group: string, socket: Socket): void {
    const groups = this.memberships.get(socket) ?? new Map<string, Subscription>();
    if (groups.has(group)) return;
    this.memberships.set(socket, groups);
    const messages$ = this.messages(group).pipe(finalize(() => this.forget(group, socket)));
    groups.set(group, messages$.subscribe({ next: (text) => socket.send(text), error: () => this.leaveAll(socket) }));
  }

  leave(group: string, socket: Socket): void {
    this.memberships.get(socket)?.get(group)?.unsubscribe();
  }

  leaveAll(socket: Socket): void {
    for (const group of [...(this.memberships.get(socket)?.keys() ?? [])]) this.leave(group, socket);
  }

  /** Sends to all sockets of a group; gives the number of processes that have some. */
  send(group: string, text: string) {
    return this.redis.publish(this.channelOf(group), text);
  }

  private forget(group: string, socket: Socket): void {
    const groups = this.memberships.get(socket);
    groups?.delete(group);
    if (groups?.size === 0) this.memberships.delete(socket);
  }

  private channelOf(group: string): string {
    return `${this.name}:${group}`;
  }
}
