/** After so many connections in a row that ended after HELLO or CLIENT SETINFO, both are left out. */
const TOO_MANY = 2;

/**
 * Learns whether the server hangs up on HELLO or CLIENT SETINFO, as proxies do that know neither. After two such connections the next
 * one is made without them, and so are later ones while that works. What the user asks for, as a name, is always sent. All connections
 * of a client share this. Once a connection was ready with both, a proxy that hangs up has lost its server.
 */
export class HandshakeForm {
  private endings = 0;
  private isKnown = false;

  /** Send neither HELLO, where RESP2 will do, nor CLIENT SETINFO. */
  get bare(): boolean {
    return this.endings >= TOO_MANY && !this.isKnown;
  }

  /** A connection ended before it was ready. */
  ended(): void {
    this.endings = this.bare ? 0 : this.endings + 1;
  }

  /** A connection was ready. */
  worked(): void {
    if (!this.bare) this.isKnown = true;
  }
}
