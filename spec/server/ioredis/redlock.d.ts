/** The package has declarations, and its `exports` do not lead to them. */
declare module 'redlock' {
  export interface Lock {
    extend(duration: number): Promise<Lock>;
    release(): Promise<unknown>;
  }
  export default class Redlock {
    constructor(clients: readonly unknown[], settings?: { readonly retryCount?: number });
    acquire(resources: readonly string[], duration: number): Promise<Lock>;
  }
}
