import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Where this module lies: in the built package the build puts `import.meta.url` in its place, which CommonJS does not know. */
const here: string | undefined = __filename;

/** What `require` gives from where this module lies; a bundle has no place of its own. */
function ownRequire(): NodeJS.Require {
  return createRequire(here ?? join(process.cwd(), 'index.js'));
}

/**
 * A class of a package that only some users have. It is loaded by `require`, because a class has to be there when another extends it; a package
 * that is loaded by `import` as well gives the same class.
 * @param forWhat the class that extends it, for the message
 * @returns a class whose construction throws a TypeError that says what to install, where the package is missing
 */
export function classOf<C>(peer: string, name: string, forWhat: string): C {
  let cause: unknown;
  try {
    const loaded = (ownRequire()(peer) as Record<string, unknown>)[name];
    if (typeof loaded === 'function') return loaded as C;
  } catch (error) {
    cause = error;
  }
  return class {
    constructor() {
      throw new TypeError(`${forWhat} needs ${peer}, which cannot be loaded: install it`, { cause });
    }
  } as C;
}

/**
 * Loads a package that another one brings, in the version that this one uses.
 * @param path names of packages, each of which brings the next
 * @throws TypeError that names what is missing
 */
export function broughtBy(path: readonly string[], forWhat: string): unknown {
  let from = ownRequire();
  for (const [index, name] of path.entries()) {
    try {
      if (index === path.length - 1) return from(name);
      from = createRequire(from.resolve(name));
    } catch (cause) {
      throw new TypeError(`${forWhat} needs ${name}, which cannot be loaded: install ${path[0]}`, { cause });
    }
  }
  return undefined;
}
