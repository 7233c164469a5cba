import type { Connection, ConnectionState } from '../../src/connection/connection';
import type { Settings } from './plan';
import type { Circumstances } from './sent';

type Kind = ConnectionState['kind'];

const legal: Record<Kind, readonly Kind[]> = {
  idle: ['connecting', 'closed'],
  connecting: ['ready', 'reconnecting', 'closed'],
  ready: ['reconnecting', 'closed'],
  reconnecting: ['connecting', 'closed'],
  closed: [],
};

/** Follows a connection from state to state: only legal steps, attempts counted from 1, events that fit. */
export function watchStates(
  connection: Connection,
  { journal, timeline, settings }: Circumstances,
  onReady: (protocol: 2 | 3) => void,
): void {
  let last: Kind = 'idle';
  let attempts = 0;
  let connected = false;
  /** when the next attempt may begin, on the clock */
  let notBefore = 0;
  connection.state$.subscribe({
    next: (state) => {
      if (state.kind === 'idle') return;
      journal.note('state', state.kind);
      journal.count(state.kind);
      if (!legal[last].includes(state.kind)) journal.fail(`the state went from ${last} to ${state.kind}`);
      last = state.kind;
      if (state.kind === 'ready') {
        attempts = 0;
        onReady(state.protocol);
      }
      if (state.kind === 'reconnecting') {
        if (state.attempt !== ++attempts) journal.fail(`attempt ${attempts} was announced as attempt ${state.attempt}`);
        const delay = delayOf(settings.reconnect, attempts);
        notBefore = timeline.now() + delay;
        const announced = settings.reconnect === 'waiting' ? undefined : delay;
        if (state.delay !== announced)
          journal.fail(`attempt ${attempts} was announced for ${state.delay} ms, not ${delay} ms`);
      }
      if (state.kind === 'connecting' && connection.closed) journal.fail('a connection is made that is to be closed');
      if (state.kind === 'connecting' && timeline.now() < notBefore) {
        journal.fail(`attempt ${attempts} began ${notBefore - timeline.now()} ms too early`);
      }
    },
  });
  connection.events$.subscribe((event) => {
    journal.note('event', event.type);
    if (event.type === 'connect' || event.type === 'disconnect') {
      if (connected === (event.type === 'connect')) journal.fail(`${event.type} was announced twice`);
      connected = event.type === 'connect';
    }
  });
}

/** What the options of the client stand for. */
function delayOf(reconnect: Settings['reconnect'], attempt: number): number {
  switch (reconnect) {
    case 'soon':
      return Math.min(50, 2 ** (attempt - 1));
    case 'late':
      return Math.min(300, 40 * 2 ** (attempt - 1));
    case 'thrice':
      return 10 * 2 ** (attempt - 1);
    case 'function':
      return Math.min(attempt, 5) * 7;
    case 'waiting':
      return Math.min(attempt, 5) * 11;
    case 'off':
      return 0;
  }
}
