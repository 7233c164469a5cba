/** So many connections in a row that died behind HELLO or CLIENT SETINFO are no chance, nor is the next that names the client. */
const TOO_MANY = 2;

/**
 * Whether the server hangs up on HELLO or CLIENT SETINFO, as proxies do that know neither: after two connections that ended behind
 * them the next one goes without, and so do those that follow while that works. Where that one ended for CLIENT SETNAME, the name is
 * left out as well. All connections of a client share what is known.
 */
export class Introductions {
  private endings = 0;

  /** Neither HELLO, where RESP2 will do, nor CLIENT SETINFO. */
  get bare(): boolean {
    return this.endings >= TOO_MANY;
  }

  /** Nor CLIENT SETNAME. */
  get nameless(): boolean {
    return this.endings > TOO_MANY;
  }

  /**
   * A connection ended before it was ready.
   * @param named the client has a name
   */
  ended(named: boolean): void {
    this.endings = this.nameless || (this.bare && !named) ? 0 : this.endings + 1;
  }

  /** A connection was ready. */
  worked(): void {
    if (!this.bare) this.endings = 0;
  }
}
