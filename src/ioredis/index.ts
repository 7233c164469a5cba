export { IORedis, IORedis as default, IORedis as Redis, toIORedis } from './ioredis';
export type { IORedisStatus } from './ioredis';
export type { Argument, Callback } from './arguments';
export type { CommandName } from './command-names';
export type { IORedisOptions } from './options';
export type { IORedisPipeline, Outcome } from './pipeline';
export type { ScanStream, ScanStreamOptions } from './scan-stream';
export type { ScriptDefinition } from './scripts';
