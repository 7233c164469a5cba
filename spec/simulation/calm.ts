import type { Cast } from './cast';
import { FORBIDDEN } from './server';

/** How long a client without faults takes for anything; ms. */
export const CALM = 5_000;
/** How long it takes until nothing is left of what was: longer than any limit; ms. */
const QUIET = 40_000;
/** So often a client is waited for once more that has rotations of its credentials to catch up with. */
const MOST_WAITS = 10;

/** The time in a run when nothing befalls a client that still lives. */
export class Calm {
  constructor(
    private readonly cast: Cast,
    private readonly atRest: () => Promise<void>,
  ) {}

  /** Nothing is broken any more: the client has to be ready, subscribed to what is observed and to nothing else, and quiet. */
  async pass(): Promise<void> {
    const {
      client,
      journal,
      network,
      server,
      lifecycle,
      pace,
      workload,
      observers,
      monitors,
      leases,
      takes,
      streams,
      jobs,
      referee,
      timeline,
      memory,
    } = this.cast;
    const { redis, connection } = client;
    journal.note('calm');
    network.calm();
    server.calm();
    lifecycle.connect();
    await pace.pass(CALM);
    const overdue = () =>
      workload.unsettled.filter((sent) => sent.submittedAt + CALM <= timeline.now() || timeline.now() > sent.due);
    // A group of many commands takes its time through a buffer of few bytes.
    for (let waits = 0; overdue().length > 0 && network.slow.length > 0 && waits < MOST_WAITS; waits++)
      await pace.pass(CALM);
    // What was quiet learns with its first write that its server has become a replica: it may be leaving that just now.
    if (redis.toJSON().state !== 'ready') await pace.pass(CALM);
    if (lifecycle.over) return;
    for (const sent of overdue()) sent.fail('has not settled although nothing is broken any more');
    const { state } = redis.toJSON();
    if (state !== 'ready') {
      journal.fail(`not ready although nothing is broken any more: ${state}`);
      return;
    }
    if (lifecycle.connecting > 0) journal.fail('connect() goes on although the client is ready');
    // In RESP2 each rotation of credentials takes the subscriptions away for three round trips, one after the other.
    for (let waits = 0; this.isSigningIn && waits < MOST_WAITS; waits++) await pace.pass(CALM);
    if (streams.any) {
      // What others wait on is theirs from now on.
      for (const others of [monitors, leases, takes]) others.leaveAll();
      await streams.calm(pace, network);
      if (lifecycle.over) return;
    }
    if (jobs.any) {
      for (const others of [monitors, leases, takes]) others.leaveAll();
      await jobs.calm(pace, network);
      if (lifecycle.over) return;
    }
    this.checkSubscriptions();
    await this.publishToAll();
    observers.leaveAll();
    monitors.leaveAll();
    leases.leaveAll();
    takes.leaveAll();
    timeline.touched = true;
    await pace.pass(CALM);
    this.checkSubscriptions();
    await pace.pass(QUIET);
    // The same for a group whose caller was told early that its time is up.
    for (let waits = 0; connection.line.pending > 0 && network.slow.length > 0 && waits < MOST_WAITS; waits++)
      await pace.pass(CALM);
    referee.rested(client.leaseStats);
    takes.check(server);
    streams.check();
    jobs.check();
    if (connection.line.pending > 0) journal.fail(`${connection.line.pending} requests are pending for ever`);
    if (timeline.timers > 0) journal.fail(`${timeline.timers} timers run although nothing is to be done`);
    journal.count('measured at rest');
    for (const what of memory.excess) journal.fail(`the client holds ${what}`);
    await this.atRest();
  }

  /** Every channel that is observed gets a message, and one that is not. */
  private async publishToAll(): Promise<void> {
    const { observers, server, pace } = this.cast;
    for (const name of [...observers.observed, 'nobody']) {
      server.publish(name.replace('*', ':calm').replace('#', ''), `m:calm-${name}`, name.startsWith('#'));
    }
    await pace.pass(CALM);
  }

  private get isSigningIn(): boolean {
    return this.cast.network.open.some(
      ({ carriesMessages, oldest, peer }) => carriesMessages && peer.protocol === 2 && oldest !== undefined,
    );
  }

  private checkSubscriptions(): void {
    const { observers, journal, client, network, plan } = this.cast;
    const { observed } = observers;
    if (observed.has(FORBIDDEN) || observed.has(`#${FORBIDDEN}`))
      journal.fail('an observer of a refused channel was not told');
    const there: string[] = [];
    const { credentials } = client;
    for (const { peer, ready, lent } of network.open) {
      const { subscriptions, password } = peer;
      there.push(
        ...subscriptions.channel,
        ...subscriptions.pattern,
        ...[...subscriptions.shard].map((name) => `#${name}`),
      );
      if (
        ready &&
        !lent &&
        plan.settings.password &&
        !peer.refusesPassword &&
        !credentials.broken &&
        password !== credentials.password
      ) {
        journal.fail(`link ${peer.index} is signed in with ${password}, not ${credentials.password}`);
      }
    }
    const [wanted, got] = [[...observed].sort().join(), there.sort().join()];
    if (wanted !== got) journal.fail(`observed are '${wanted}', the server has '${got}'`);
  }
}
