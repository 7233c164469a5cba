import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutation } from './mutant';

/** Which seed finds each mutation, by its fault; `find-mutations.ts` writes it. */
export const FOUND: string = join(__dirname, 'mutations/found.json');

const seeds = JSON.parse(readFileSync(FOUND, 'utf8')) as Readonly<Record<string, number>>;

/** The seed that found a mutation when that was written down; undefined for a new one. */
export function foundAt({ fault }: Mutation): number | undefined {
  return seeds[fault];
}
