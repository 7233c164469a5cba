import type { ClientModule } from './client';

/** What a client is to the comparison: the subject, what it is compared with, what another runtime has built in, or what none can beat. */
export type Role = 'ours' | 'peer' | 'built in' | 'floor';

export interface ClientEntry {
  /** what `--clients` selects by */
  readonly family: string;
  readonly role: Role;
  /** another way to use the same client: measured where the way matters, in rows of small commands */
  readonly variant?: boolean;
  /** it runs on Bun, not on Node.js */
  readonly onBun?: boolean;
  /** most of its memory is not JavaScript's */
  readonly native?: boolean;
  /** Loads one client and nothing of the others: start-up time is measured too. */
  load(): Promise<ClientModule>;
}

const entries = {
  'ours, firstValueFrom': {
    family: 'ours',
    role: 'ours',
    load: async () => (await import('./ours')).oursByFirstValueFrom,
  },
  'ours, without limits': {
    family: 'ours',
    role: 'ours',
    variant: true,
    load: async () => (await import('./ours')).oursWithoutLimits,
  },
  'ours, verify': {
    family: 'ours',
    role: 'ours',
    variant: true,
    load: async () => (await import('./ours')).oursVerified,
  },
  'ours, await': {
    family: 'ours',
    role: 'ours',
    variant: true,
    load: async () => (await import('./ours')).oursByAwait,
  },
  'ours, subscribe': {
    family: 'ours',
    role: 'ours',
    variant: true,
    load: async () => (await import('./ours')).oursBySubscribe,
  },
  'ours, chain': {
    family: 'ours',
    role: 'ours',
    variant: true,
    load: async () => (await import('./ours')).oursByChain,
  },
  'ours, asyncContext': {
    family: 'ours',
    role: 'ours',
    variant: true,
    load: async () => (await import('./ours')).oursInContext,
  },
  'ours, dedicated': {
    family: 'ours',
    role: 'ours',
    variant: true,
    load: async () => (await import('./ours')).oursOnLeases,
  },
  'ours, beside features': {
    family: 'ours',
    role: 'ours',
    variant: true,
    load: async () => (await import('./features')).oursBesideFeatures,
  },
  'ours, cache': {
    family: 'ours',
    role: 'ours',
    variant: true,
    load: async () => (await import('./ours')).oursCached,
  },
  'ours, no-op tracer': {
    family: 'ours',
    role: 'ours',
    variant: true,
    load: async () => (await import('./traced')).oursWithNoopTracer,
  },
  'ours, SDK': {
    family: 'ours',
    role: 'ours',
    variant: true,
    load: async () => (await import('./traced')).oursWithSdk,
  },
  ioredis: {
    family: 'ioredis',
    role: 'peer',
    load: async () => (await import('./ioredis')).ioredis,
  },
  'ioredis, auto-pipelining': {
    family: 'ioredis',
    role: 'peer',
    variant: true,
    load: async () => (await import('./ioredis')).ioredisAutoPipelining,
  },
  'ioredis, SDK': {
    family: 'ioredis',
    role: 'peer',
    variant: true,
    load: async () => (await import('./traced')).ioredisWithSdk,
  },
  iovalkey: {
    family: 'iovalkey',
    role: 'peer',
    load: async () => (await import('./ioredis')).iovalkey,
  },
  'iovalkey, auto-pipelining': {
    family: 'iovalkey',
    role: 'peer',
    variant: true,
    load: async () => (await import('./ioredis')).iovalkeyAutoPipelining,
  },
  'node-redis': {
    family: 'node-redis',
    role: 'peer',
    load: async () => (await import('./node-redis')).nodeRedis,
  },
  'node-redis, cache': {
    family: 'node-redis',
    role: 'peer',
    variant: true,
    load: async () => (await import('./node-redis')).nodeRedisCached,
  },
  'node-redis, SDK': {
    family: 'node-redis',
    role: 'peer',
    variant: true,
    load: async () => (await import('./traced')).nodeRedisWithSdk,
  },
  'valkey-glide': {
    family: 'valkey-glide',
    role: 'peer',
    native: true,
    load: async () => (await import('./valkey-glide')).valkeyGlide,
  },
  'ours on Bun, await': {
    family: 'bun',
    role: 'ours',
    variant: true,
    onBun: true,
    load: async () => (await import('./ours')).oursByAwait,
  },
  'Bun, its own client': {
    family: 'bun',
    role: 'built in',
    variant: true,
    onBun: true,
    load: async () => (await import('./bun')).bun,
  },
  floor: {
    family: 'floor',
    role: 'floor',
    load: async () => (await import('./floor')).floor,
  },
} satisfies Record<string, ClientEntry>;

export type ClientName = keyof typeof entries;

/** All clients, in the order in which they take their turns and stand in the tables. */
export const clients: Readonly<Record<ClientName, ClientEntry>> = entries;
export const clientNames = Object.keys(entries) as ClientName[];
