import type { PipeManners } from './pipe';
import type { CredentialsManner } from './credentials';
import type { GreetingRefusal, HelloAnswer, LinkItem, Shift, StreamFault } from './plan';
import type { BufferManners } from './send-buffer';

/** How one connection behaves: all that the plan has for it. */
export interface LinkTraits {
  readonly dial: 'accepted' | 'refused' | 'silent';
  /** ms until it is accepted */
  readonly acceptDelay: number;
  readonly refusesHello: 'resp2' | 'noproto' | undefined;
  /** how HELLO is answered; undefined: as Redis does */
  readonly helloAnswer: HelloAnswer | undefined;
  readonly refusesPassword: boolean;
  readonly refusesGreeting: GreetingRefusal | undefined;
  readonly turnsAway: boolean;
  readonly onConnectThrows: boolean;
  readonly credentials: CredentialsManner | undefined;
  /** whom it tells first that it is closed, where it does so again and again */
  readonly closesTwice: 'bytes' | 'dial' | undefined;
  readonly shift: Shift | undefined;
  readonly buffer: BufferManners | undefined;
  readonly up: PipeManners;
  readonly down: PipeManners;
  readonly faults: readonly StreamFault[];
}

const plain: PipeManners = { latency: 1, sizes: [], gap: 0 };

export const calmLink: LinkTraits = {
  dial: 'accepted',
  acceptDelay: 1,
  refusesHello: undefined,
  helloAnswer: undefined,
  refusesPassword: false,
  refusesGreeting: undefined,
  turnsAway: false,
  onConnectThrows: false,
  credentials: undefined,
  closesTwice: undefined,
  shift: undefined,
  buffer: undefined,
  up: plain,
  down: plain,
  faults: [],
};

/** Bytes take longer on it than on one that nothing befalls. */
export function isSlow({ up, down, buffer }: LinkTraits): boolean {
  return [up, down].some(({ latency, gap }) => latency > plain.latency || gap > 0) || (buffer?.delay ?? 0) > 0;
}

export function traitsOf(items: readonly LinkItem[]): LinkTraits {
  return items.reduce(add, calmLink);
}

function add(traits: LinkTraits, { fault }: LinkItem): LinkTraits {
  switch (fault.type) {
    case 'refuse':
      return { ...traits, dial: 'refused' };
    case 'silent':
      return { ...traits, dial: 'silent' };
    case 'accept':
      return { ...traits, acceptDelay: fault.delay };
    case 'resp2':
    case 'noproto':
      return { ...traits, refusesHello: fault.type };
    case 'hello':
      return { ...traits, helloAnswer: fault.answer };
    case 'wrongpass':
      return { ...traits, refusesPassword: true };
    case 'refuseGreeting':
      return { ...traits, refusesGreeting: fault };
    case 'maxclients':
      return { ...traits, turnsAway: true };
    case 'onConnect':
      return { ...traits, onConnectThrows: true };
    case 'credentials':
      return { ...traits, credentials: fault.manner };
    case 'closetwice':
      return { ...traits, closesTwice: fault.first };
    case 'shift':
      return { ...traits, shift: fault };
    case 'latency':
      return { ...traits, up: { ...traits.up, latency: fault.up }, down: { ...traits.down, latency: fault.down } };
    case 'pieces':
      return { ...traits, [fault.way]: { ...traits[fault.way], sizes: fault.sizes, gap: fault.gap } };
    case 'buffer':
      return { ...traits, buffer: fault };
    default:
      return { ...traits, faults: [...traits.faults, fault] };
  }
}
