export type { Arg } from './commands/command';
export { Command } from './commands/command';
export { Reply } from './commands/reply';
export { Completion } from './connection/completion';
export type { ConnectionEvent, ConnectionState, DisconnectReason } from './connection/connection';
export {
  AuthenticationError,
  ConnectionError,
  DisconnectedError,
  ProtocolError,
  RedisError,
  ReplyError,
  TimeoutError,
  type Delivery,
} from './errors';
export type { ReconnectOptions, RedisOptions } from './options';
export type { Message } from './pubsub/topic';
export { Redis, RedisBytes, type SubscribeOptions } from './redis';
