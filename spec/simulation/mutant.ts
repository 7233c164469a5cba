import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Plugin } from 'esbuild';
import { bundleOf, loadBundle } from '../support/bundled';
import type { Failure, Range, Report } from './seeds';

/** A deliberate fault: a piece of the client's source and what stands in its place. */
export interface Mutation {
  /** what the faulty client does */
  readonly fault: string;
  /** under `src/` */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** The simulation together with a client whose source was changed. */
export interface Mutant {
  readonly runSeeds: (range: Range, before?: number) => Promise<Report>;
  readonly explain: (failure: Failure) => Promise<string>;
}

const SOURCE = resolve(__dirname, '../../src');

/**
 * Builds a client with a fault in it, and the simulation that drives it.
 * @throws Error when the source does not hold exactly once what is to be replaced: the mutation has to follow the source
 */
export function loadMutant(mutation: Mutation | undefined): Promise<Mutant> {
  return loadMutated<Mutant>('spec/simulation/seeds.ts', mutation);
}

/** The same of another simulation, by the file that has its seeds. */
export async function loadMutated<T>(entry: string, mutation: Mutation | undefined): Promise<T> {
  return loadBundle<T>(await bundleOf(entry, mutation === undefined ? [] : [replaceIn(mutation)]));
}

export function replaceIn({ file, from, to }: Mutation): Plugin {
  const path = resolve(SOURCE, file);
  return {
    name: 'mutation',
    setup(build) {
      // Of this file alone: the bundler asks for each that fits, and waits for the answer.
      const filter = new RegExp(`^${path.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`);
      build.onLoad({ filter }, async () => {
        const pieces = (await readFile(path, 'utf8')).split(from);
        if (pieces.length !== 2) throw new Error(`${file} holds ${pieces.length - 1} times: ${from}`);
        return { contents: pieces.join(to), loader: 'ts' };
      });
    },
  };
}
