/** What every server of ours gets unless its own arguments say otherwise. */
function defaults(port: number, folder: string): [directive: string, value: string][] {
  return [
    ['--port', String(port)],
    ['--bind', '127.0.0.1'],
    ['--dir', folder],
    ['--save', ''],
    ['--appendonly', 'no'],
  ];
}

/**
 * The command line after the program: a configuration file first if the caller names one, then the defaults the caller
 * does not override, then the caller's own.
 * @throws Error when the arguments set the port, which is an option of its own
 */
export function serverArguments(port: number, folder: string, args: readonly string[]): string[] {
  if (args.includes('--port')) throw new Error('the port is an option, not an argument: startServer({ port })');
  const file = args[0] !== undefined && !args[0].startsWith('-') ? args.slice(0, 1) : [];
  const missing = defaults(port, folder).filter(([directive]) => !args.includes(directive));
  return [...file, ...missing.flat(), ...args.slice(file.length)];
}
