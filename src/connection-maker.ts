import { Connection } from './connection/connection';
import type { Clock } from './connection/clock';
import type { ConnectionParts } from './connection/connection-parts';
import type { Role, Stage } from './connection/stage';
import type { ResolvedOptions } from './options';
import { tellChannelsOf } from './telemetry/channels';
import type { Telemetry } from './telemetry/telemetry';

/** Makes one connection of a client, with options and parts of its own. */
export type MakeConnection = (role: Role, own: Partial<ResolvedOptions>, parts: ConnectionParts) => Connection;

/** What makes the connections of a client, and has what is to be told of them told. */
export function makerOf(stage: Stage, resolved: ResolvedOptions, telemetry: Telemetry, clock: Clock): MakeConnection {
  return (role, own, parts) => {
    const options = { ...resolved, ...own };
    const connection = new Connection(options, { clock, ...stage.partsFor(role), ...parts, ...telemetry.parts });
    stage.made(connection, role);
    tellChannelsOf(connection, role);
    telemetry.made(connection, role);
    return connection;
  };
}
