import type { Mutation } from '../mutant';
import { byteMutations } from './bytes';
import { consumerMutations } from './consumers';
import { failoverMutations } from './failover';
import { groupMutations } from './groups';
import { guardMutations } from './guard';
import { handshakeMutations } from './handshake';
import { helloMutations } from './hello';
import { jobMutations } from './jobs';
import { lateCopyMutations } from './late-copies';
import { leaseMutations } from './leases';
import { lifetimeMutations } from './lifetimes';
import { limitMutations } from './limits';
import { memoryMutations } from './memory';
import { orderMutations } from './order';
import { partMutations } from './parts';
import { pubsubMutations } from './pubsub';
import { queueMutations } from './queue';
import { replyMutations } from './replies';
import { retryMutations } from './retry';
import { scriptMutations } from './scripts';
import { spanMutations } from './spans';
import { tailMutations } from './tails';
import { takeMutations } from './takes';
import { transactionMutations } from './transactions';
import { tryMutations } from './tries';
import { watchMutations } from './watches';

/** Faults that clients have had, or could have. Each has to be found. */
export const mutations: readonly Mutation[] = [
  ...byteMutations,
  ...consumerMutations,
  ...failoverMutations,
  ...groupMutations,
  ...guardMutations,
  ...handshakeMutations,
  ...helloMutations,
  ...jobMutations,
  ...lateCopyMutations,
  ...leaseMutations,
  ...lifetimeMutations,
  ...limitMutations,
  ...memoryMutations,
  ...orderMutations,
  ...partMutations,
  ...pubsubMutations,
  ...queueMutations,
  ...replyMutations,
  ...retryMutations,
  ...scriptMutations,
  ...spanMutations,
  ...tailMutations,
  ...takeMutations,
  ...transactionMutations,
  ...tryMutations,
  ...watchMutations,
];
