export { findServer, type FindOptions } from './find-server';
export type { RungName, ServerAtUrl, ServerProgram } from './rung';
export { serverNames, type ServerName } from './server-names';
export type { RunningServer } from './running-server';
export { type ServerOptions, startServer } from './start-server';
