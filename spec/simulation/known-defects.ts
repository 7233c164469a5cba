// TEMPORARY: defects of the client that the simulation has found and that are not mended yet. What shows them is excused while the
// constant is true; whoever mends one takes its constant away, and all that names it.

/**
 * When a lost client comes back in RESP3 that had a connection of its own for messages, both connections restore the subscriptions
 * at once, and each forgets what the other has asked for: who leaves meanwhile stays subscribed.
 */
export const LEAKS_WHEN_RESP3_IS_BACK: boolean = true;

/**
 * `defineSpec` leaves `foreign` out of the spec, so what a module's own command answers counts as said by the server, and the command
 * as not run. Seed 553.
 */
export const TRUSTS_FOREIGN_REFUSALS: boolean = true;
