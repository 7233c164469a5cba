import 'reflect-metadata';
import { Module, type DynamicModule, type INestApplication } from '@nestjs/common';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';
import { RedisIoAdapter, RedisModule } from 'rxjs-redis/nestjs';

@WebSocketGateway()
export class RoomGateway {
  @WebSocketServer() readonly server!: Server;
  readonly asked: unknown[] = [];

  @SubscribeMessage('join')
  async join(@ConnectedSocket() socket: Socket, @MessageBody() room: string) {
    await socket.join(room);
    return room;
  }

  @SubscribeMessage('say')
  say(@MessageBody() { room, data }: { room: string; data: unknown }) {
    this.server.to(room).emit('said', data);
    return true;
  }

  @SubscribeMessage('sockets')
  async sockets(@MessageBody() room: string) {
    return (await this.server.in(room).fetchSockets()).map(({ id }) => id).sort();
  }

  @SubscribeMessage('ask')
  async ask(@MessageBody() room: string) {
    return (await this.server.in(room).timeout(60_000).emitWithAck('asked')) as unknown[];
  }

  @SubscribeMessage('members')
  async members() {
    return this.server.sockets.adapter.serverCount();
  }
}

@Module({})
export class RoomModule {
  static at(url: string): DynamicModule {
    return { module: RoomModule, imports: [RedisModule.forRoot({ url })], providers: [RoomGateway] };
  }
}

/** Starts an application whose sockets reach those of others. */
export async function listen(app: INestApplication): Promise<string> {
  app.useWebSocketAdapter(new RedisIoAdapter(app));
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}
