// Which replies a client may keep until the server tells that a key has changed.

import type { CallableFacts } from './facts';

/** Reads whose reply changes although no key does, or that read more than the keys they name. */
const NOT_KEPT: Readonly<Record<string, string>> = {
  'MEMORY USAGE': 'the reply depends on the allocator',
  'OBJECT ENCODING': 'a server converts by itself',
  SORT_RO: 'BY and GET read keys that are not named',
  TOUCH: 'it is called for what it does',
  VEMB: 'the reply has other forms on other machines',
  VINFO: 'servers tell of no change behind some of its parts',
  VLINKS: 'the graph is rebuilt without a change',
  VRANDMEMBER: 'chance decides',
  VSIM: 'an approximation',
  'XINFO GROUPS': 'servers tell of no change when an entry is read or acknowledged',
  'XINFO STREAM': 'FULL counts what consumers do, of which servers tell nothing',
  XREAD: 'it is called for what is new',
};

/** Reads of a time to live: kept only where the caller says for how long. */
const TIMED = new Set(['TTL', 'PTTL', 'HTTL', 'HPTTL', 'EXPIRETIME', 'PEXPIRETIME', 'HEXPIRETIME', 'HPEXPIRETIME']);

/** Whether the reply may be kept: `always`; `timed`, for a time that the caller has to say; or not at all. */
export function cacheableOf(facts: CallableFacts): 'always' | 'timed' | undefined {
  const { name, rt, tips = [], keySpecs = [] } = facts;
  if (TIMED.has(name)) return 'timed';
  const isRead = rt.access === 'read' && rt.retry === 'read' && keySpecs.length > 0;
  const isFixed = !tips.includes('nondeterministic_output') && rt.block === undefined && !/^(EVAL|FCALL)/.test(name);
  if (!isRead || !isFixed || Object.hasOwn(NOT_KEPT, name)) return undefined;
  return 'always';
}
