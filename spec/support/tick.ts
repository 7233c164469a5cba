/** Turns of a tick: a reply, what is sent where it was awaited, and what comes of that. */
const TURNS = 3;

/** The end of a tick, with all that was put off until then. A turn of the event loop would take four times as long. */
export async function endOfTick(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise<void>((resolve) => process.nextTick(resolve));
}
