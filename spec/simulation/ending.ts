import { CALM } from './calm';
import type { Cast } from './cast';
import { remainsOf } from './memory';

/** The end of a run: the client is closed or destroyed, and nothing may remain of it. */
export class Ending {
  constructor(private readonly cast: Cast) {}

  async pass(): Promise<void> {
    const { workload, client, journal, userErrors, monitors, leases, takes, streams, jobs, server, spans } = this.cast;
    await this.end();
    monitors.check();
    leases.check();
    takes.check(server);
    streams.check();
    jobs.check();
    this.checkSettled();
    for (const sent of workload.all) sent.conclude();
    spans.check();
    for (const what of remainsOf(client)) journal.fail(`what remains of the client: ${what}`);
    if (userErrors.thrown > 0) await this.hearUserErrors();
  }

  private async end(): Promise<void> {
    const { plan, lifecycle, pace, timeline, journal, workload, observers, states, otherStates, network } = this.cast;
    const { ending } = plan.settings;
    if (ending !== 'destroy') lifecycle[ending]();
    const { closing } = lifecycle;
    await pace.pass(closing === undefined ? 0 : Math.max(0, closing.by - timeline.now()) + CALM);
    if (closing?.done === false) journal.fail('close() has not come to its end');
    lifecycle.destroy();
    await pace.pass(0);
    for (const sent of workload.unsettled) sent.fail('has not settled although the client is destroyed');
    observers.checkEnded();
    if (lifecycle.connecting > 0) journal.fail('connect() has not come to its end');
    for (const { closed, ended } of [states, ...otherStates]) {
      if (!closed) journal.fail('a connection is not closed although the client is destroyed');
      if (!ended) journal.fail('events$ has not completed');
    }
    if (network.open.length > 0)
      journal.fail(`${network.open.length} sockets are open although the client is destroyed`);
    if (timeline.timers > 0) journal.fail(`${timeline.timers} timers run although the client is destroyed`);
    await pace.pass(CALM);
    for (const { index, bytes$, drain$ } of network.links) {
      if (bytes$.observed || drain$.observed) journal.fail(`link ${index} is listened to although it is gone`);
    }
  }

  private checkSettled(): void {
    const { workload } = this.cast;
    for (const sent of workload.all) {
      if (sent.outcome === undefined) sent.fail('has never settled');
    }
  }

  private async hearUserErrors(): Promise<void> {
    const { userErrors, journal } = this.cast;
    if (userErrors.reported < userErrors.thrown) await new Promise((resolve) => setTimeout(resolve, 1));
    const { thrown, reported } = userErrors;
    if (thrown !== reported) journal.fail(`user code threw ${thrown} errors, ${reported} reached the process`);
  }
}
