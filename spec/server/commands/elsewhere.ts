/** Commands that end or change what they run on: `ending-commands.spec.ts` has servers for them. */
export const ELSEWHERE: ReadonlySet<string> = new Set([
  'CLIENT REPLY',
  'FAILOVER',
  'FUNCTION KILL',
  'MIGRATE',
  'QUIT',
  'SCRIPT KILL',
  'SHUTDOWN',
]);
