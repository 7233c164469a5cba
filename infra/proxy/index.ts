export type { Direction } from './faults';
export type { ByteCounts, ProxiedConnection, Target } from './proxied-connection';
export { type Proxy, type ProxyEvent, type ProxyOptions, startProxy } from './proxy';
