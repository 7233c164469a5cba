/** A TCP port somewhere. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/**
 * @param url one that the client has accepted
 * @throws Error for a Unix socket, which no line leads to
 */
export function addressOf(url: string): Address {
  const { protocol, hostname, port } = new URL(url);
  if (protocol.endsWith('+unix:')) throw new Error('the demo cuts TCP connections, a Unix socket has none');
  return {
    host: decodeURIComponent(hostname).replace(/^\[|\]$/g, '') || 'localhost',
    port: Number(port || 6379),
    tls: protocol === 'rediss:' || protocol === 'valkeys:',
  };
}
