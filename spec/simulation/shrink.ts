import type { Item, Plan, Settings } from './plan';
import { simulate, type Verdict } from './simulation';

/** The settings that leave most to the client's defaults: what a plan needs beside them tells something. */
const plainSettings: Settings = {
  streams: 8,
  protocol: 'auto',
  autoPipeline: true,
  pipelineDepth: 10_000,
  writeBufferSize: 16_384,
  offlineQueue: 1000,
  reconnect: 'soon',
  retry: 'default',
  verify: 0,
  commandTimeout: Infinity,
  readTimeout: 1000,
  writeTimeout: 1000,
  connectTimeout: 1000,
  blockingGrace: 100,
  database: 0,
  password: false,
  named: false,
  clientName: false,
  onConnect: false,
  ...{ leaseMax: 3, leaseIdle: 300, leaseWait: 1000 },
  reconnectOnError: 'default',
  traced: false,
  ending: 'destroy',
};

/**
 * The shortest plan found that breaks the same rule: items are left out, in halves, quarters and so on down to single ones, and
 * settings made plain, as long as that goes on.
 */
export async function shrink(plan: Plan): Promise<{ readonly plan: Plan; readonly verdict: Verdict }> {
  let verdict = await simulate(plan, { patient: true });
  const rule = ruleOf(verdict);
  const patient = (await simulate(plan)).violations.length === 0;
  let shortest = plan;
  const stillBreaks = async (candidate: Plan): Promise<boolean> => {
    const found = await simulate(candidate, { patient }).catch(() => undefined);
    if (found === undefined || ruleOf(found) !== rule) return false;
    [shortest, verdict] = [candidate, found];
    return true;
  };

  for (let before = -1; before !== sizeOf(shortest);) {
    before = sizeOf(shortest);
    for (let size = Math.ceil(shortest.items.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let start = 0; start < shortest.items.length;) {
        const gone = await stillBreaks({ ...shortest, items: without(shortest.items, start, size) });
        if (!gone) start += size;
      }
    }
    for (const [index, item] of shortest.items.entries()) {
      for (const simpler of simplerItems(item)) {
        if (await stillBreaks({ ...shortest, items: shortest.items.with(index, simpler) })) break;
      }
    }
    for (const name of Object.keys(plainSettings) as (keyof Settings)[]) {
      if (shortest.settings[name] === plainSettings[name]) continue;
      await stillBreaks({ ...shortest, settings: { ...shortest.settings, [name]: plainSettings[name] } });
    }
  }
  return { plan: shortest, verdict: await simulate(shortest, { traced: true, patient }) };
}

/** A plan for people: settings that are not plain, then the items in the order in which they happen. */
export function formatPlan({ seed, settings, items }: Plan): string {
  const special = Object.entries(settings).filter(([name, value]) => plainSettings[name as keyof Settings] !== value);
  const timeOf = (item: Item) => (item.kind === 'link' ? -1 : item.at);
  const lines = [...items].sort((a, b) => timeOf(a) - timeOf(b)).map((item) => `  ${formatItem(item)}`);
  return [`seed ${seed}, ${special.map(([name, value]) => `${name}: ${String(value)}`).join(', ')}`, ...lines].join(
    '\n',
  );
}

function formatItem(item: Item): string {
  if (item.kind === 'link') return `link ${item.link}: ${formatFacts(item.fault)}`;
  const { at, ...facts } = item;
  return `at ${at}: ${formatFacts(facts)}`;
}

function formatFacts(facts: object): string {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined && value !== false);
  return known
    .map(([name, value]) => (name === 'kind' || name === 'type' ? String(value) : `${name} ${String(value)}`))
    .join(' ');
}

/** Which rule is broken: the first violation without what differs from plan to plan, the numbers and the way that led there. */
function ruleOf({ violations }: Verdict): string | undefined {
  return violations[0]
    ?.split('\n')[0]!
    .replace(/\d+/g, '#')
    .replace(/'[^']*'/g, "'…'");
}

function without<T>(items: readonly T[], start: number, count: number): T[] {
  return [...items.slice(0, start), ...items.slice(start + count)];
}

function sizeOf({ items, settings }: Plan): number {
  const special = Object.entries(settings).filter(([name, value]) => plainSettings[name as keyof Settings] !== value);
  return items.length * 100 + special.length;
}

/** The same item with less to it. */
function simplerItems(item: Item): Item[] {
  if (item.kind === 'join') {
    const { kind, at, id, sharded, leaveAfter, names } = item;
    return names.map((name) => ({ kind, at, id, names: [name], sharded, bytes: false, leaveAfter }));
  }
  if (item.kind !== 'send') return [];
  const { kind, at, id, wait } = item;
  const plain = { kind, at, id, wait, size: 1, bytes: false, how: 'observe' } as const;
  if (item.call === 'group') {
    const { call, members = [], transaction } = item;
    const half = Math.ceil(members.length / 2);
    const fewer = half < members.length ? [members.slice(0, half), members.slice(half)] : [];
    return [
      { ...plain, call: 'get' },
      ...fewer.map((some) => ({ ...item, members: some })),
      { ...plain, call, members, transaction },
    ];
  }
  return [
    { ...plain, call: 'get' },
    { ...plain, call: 'incr' },
    { ...plain, call: item.call },
  ];
}
