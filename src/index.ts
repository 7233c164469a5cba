export type { Awaitable } from './commands/awaitable';
export { Command } from './commands/command';
export { Reply } from './commands/reply';
export type { RetryPolicy, UndeliveredHandler } from './commands/request-context';
export type * from './commands/types';
export type { Completion } from './connection/completion';
export type {
  ConnectionEvent,
  ConnectionState,
  DisconnectReason,
  SentinelEvent,
  WatchEvent,
} from './connection/connection-state';
export {
  AuthenticationError,
  ConfigurationError,
  ConnectionError,
  DisconnectedError,
  OverflowError,
  ProtocolError,
  RedisError,
  ReplyError,
  SerializationError,
  TimeoutError,
  type CommandError,
  type Delivery,
  type ErrorFacts,
  type GroupFate,
} from './errors';
export { retrySafely, type RetryPolicyOfErrors } from './connection/retry';
export type {
  BackoffOptions,
  CachedKeys,
  CacheOptions,
  Credentials,
  CredentialsSource,
  DebugFunction,
  LeaseOptions,
  NatMap,
  ReconnectFunction,
  ReconnectOnError,
  ReconnectOptions,
  RedisOptions,
  RedisClusterOptions,
  RedisPoolOptions,
  ReplyLimits,
  RetryOptions,
  SentinelOptions,
  ServerAddress,
  ServerRole,
  TelemetryAttributes,
  TelemetryCallback,
  TelemetryGauge,
  TelemetryInstrument,
  TelemetryLink,
  TelemetryMeter,
  TelemetryOptions,
  TelemetrySpan,
  TelemetrySpanContext,
  TelemetrySpanOptions,
  TelemetryTraceState,
  TelemetryTracer,
  TelemetryValue,
} from './options';
export type { ProgressStream } from './demand/progress-stream';
export type { PullStream } from './demand/pull-stream';
export type { NoWork, SignalOption, WorkOptions } from './demand/stream-options';
export type { MessageStream } from './pubsub/message-stream';
export type { KeyspaceEvent, KeyspaceOptions } from './pubsub/keyspace';
export type { Gap, Notice, Subscribed } from './pubsub/notices';
export { resync, type NeedsNotices, type Snapshot } from './pubsub/resync';
export type {
  BufferOptions,
  ChannelNames,
  DroppedWith,
  MessageOptions,
  NoticeWith,
  SubscribeOptions,
} from './pubsub/subscribe-options';
export type { Message } from './pubsub/topic';
export type { Dropped, Overflow } from './demand/waiting';
export type { Attribute, ErrorFrame, Frame, Push } from './resp/frames';
export type { DedicatedConnection } from './dedicated-connection';
export type { CommandChain } from './groups/command-chain';
export type { Library, LibraryFunctions, LibraryOptions } from './groups/library';
export type { Keys, Script, ScriptOptions } from './groups/script';
export type { ScriptReply, ScriptReplyName, ScriptValue, ScriptValues } from './groups/script-replies';
export type { Scripts } from './groups/scripts';
export type { FailFast, GroupOptions, ValueOf, ValuesOf } from './groups/values';
export type {
  Reads,
  Watched,
  WatchedName,
  WatchedValue,
  WatchCommands,
  WatchKeys,
  WatchOptions,
} from './groups/watch-types';
export type {
  FieldBatch,
  HscanStreamOptions,
  MemberBatch,
  ScanStreamBasics,
  ScanStreamOptions,
  SscanStreamOptions,
  ZscanStreamOptions,
} from './scanning/scan-options';
export type { CacheStats } from './freshness/cache';
export type { ClientCache } from './freshness/client-cache';
export type { LiveOptions } from './freshness/live-options';
export type { Loader } from './freshness/read-through';
export type { CachedOptions, Serializer } from './freshness/read-through-options';
export type { LoadFailure, LoadOptions, LoadProgress } from './streams/load-options';
export type { JobStream } from './streams/job-stream';
export type { DeadJob, JobResult, Queue, QueueCounts } from './streams/queue';
export type { Job, QueueEvent } from './streams/queue-job';
export type { PushOptions, QueueBackoff, QueueOptions, WorkerOptions } from './streams/queue-options';
export type {
  ConsumedEntry,
  ConsumeFailure,
  ConsumeOptions,
  ConsumeProgress,
  DeadLetterHandler,
} from './streams/consume-options';
export type { TailedStreams, TailEntry, TailGap, TailItem, TailOptions } from './streams/tail-options';
export type { InspectedCommand, InspectedLink } from './connection/inspected';
export type { Inspection } from './inspection';
export type { InspectedSentinel, InspectedSentinels } from './topology/inspected-sentinels';
export { linksOf } from './telemetry/propagation';
export { Redis } from './redis';
export { RedisPool, type PoolCloseOptions } from './redis-pool';
export type { NodeOfCluster, NodeRole } from './cluster-nodes';
export { RedisCluster } from './redis-cluster';
export type { ClusterCommandOptions, ClusterView, NodeView } from './cluster-view';
export type { ReadsFrom } from './commands/request-context';
export type { PoolStats } from './leases/lease-lists';
export type { RedisCommands } from './redis-commands';
export type { CommandOptions } from './command-options';
export type { CommandView } from './command-view';
export type { PoolView } from './pool-view';
export type { RedisView } from './redis-view';
