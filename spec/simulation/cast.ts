import type { SimulatedClient } from './client';
import type { Jobs } from './jobs';
import type { Journal } from './journal';
import type { Leases } from './leases';
import type { Lifecycle } from './lifecycle';
import type { Memory } from './memory';
import type { Monitors } from './monitors';
import type { Network } from './network';
import type { Observers } from './observers';
import type { Pace } from './pace';
import type { Plan } from './plan';
import type { Referee } from './referee';
import type { Server } from './server';
import type { Spans } from './spans';
import type { States } from './states';
import type { Streams } from './streams';
import type { Takes } from './takes';
import type { Timeline } from './timeline';
import type { UserErrors } from './user-errors';
import type { Workload } from './workload';

/** All that takes part in a run. */
export interface Cast {
  readonly plan: Plan;
  readonly timeline: Timeline;
  readonly journal: Journal;
  readonly userErrors: UserErrors;
  readonly observers: Observers;
  readonly monitors: Monitors;
  readonly leases: Leases;
  readonly takes: Takes;
  readonly streams: Streams;
  readonly jobs: Jobs;
  readonly spans: Spans;
  readonly referee: Referee;
  readonly server: Server;
  readonly network: Network;
  readonly client: SimulatedClient;
  readonly workload: Workload;
  readonly states: States;
  /** of the connections of their own that messages had */
  readonly otherStates: readonly States[];
  readonly lifecycle: Lifecycle;
  readonly pace: Pace;
  readonly memory: Memory;
}
