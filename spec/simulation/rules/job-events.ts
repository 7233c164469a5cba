import type { JobPlaces, JobWatcher } from '../job-desk';
import type { Doing, Worker } from '../jobs';
import { tellers, type Hearing } from './stream-events';

/** What rules hear of jobs, and of those that do them. */
export interface JobEvents extends JobWatcher {
  workerAsked(worker: Worker): void;
  /** the handler of a worker is called with a job */
  doingBegun(doing: Doing): void;
  /** doing a job has ended, or the client does not want it any more */
  doingEnded(doing: Doing): void;
  /** a worker is told that a job was taken from it */
  jobLost(worker: Worker, job: number): void;
  workerEnded(worker: Worker): void;
  /** from now on nothing befalls the client */
  jobsCalmed(): void;
  /** nothing has befallen the client for so long that those that still work have done all */
  jobsRested(places: JobPlaces): void;
  /** all is over */
  jobsConcluded(places: JobPlaces): void;
}

const NAMES: readonly (keyof JobEvents)[] = [
  'jobAdded',
  'jobRemoved',
  'jobsMoved',
  'jobsDied',
  'jobsForgotten',
  'workerAsked',
  'doingBegun',
  'doingEnded',
  'jobLost',
  'workerEnded',
  'jobsCalmed',
  'jobsRested',
  'jobsConcluded',
];

/** Tells all of them of all that becomes of jobs, in their order. */
export function toldOfJobs(hearers: readonly Hearing<JobEvents>[]): JobEvents {
  return tellers(NAMES, hearers);
}
