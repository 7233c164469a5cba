import type { BenchClient } from '../clients/client';

/** Walks over all keys of the database. */
export async function scanAll(
  client: BenchClient,
  { keys, page }: { readonly keys: number; readonly page: number | undefined },
): Promise<void> {
  const seen = await client.scan?.(page);
  if (seen !== keys) throw new Error(`${String(seen)} of ${keys} keys were found`);
}
