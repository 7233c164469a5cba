export type { Arg, CommandSpec, ReplyContext, ReplyReader } from './commands/command';
export { Command } from './commands/command';
export { Reply } from './commands/reply';
export type { RetryPolicy } from './commands/request';
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
export { retrySafely } from './connection/retry';
export type {
  BackoffOptions,
  Credentials,
  CredentialsSource,
  ReconnectFunction,
  ReconnectOnError,
  ReconnectOptions,
  RedisOptions,
  ReplyLimits,
  RetryOptions,
} from './options';
export type { Message } from './pubsub/topic';
export type { Attribute, ErrorFrame, Frame, Push } from './resp/frames';
export { DedicatedConnection } from './dedicated-connection';
export { Redis } from './redis';
export { RedisView, type CommandOptions, type SubscribeOptions } from './redis-view';
