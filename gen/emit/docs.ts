import type { CommandModel } from '../model';

/** The short comment of a builder; the method carries the long one. */
export function builderDoc({ facts }: CommandModel): string {
  return `/** \`${facts.name}\` */\n`;
}

/** The comment of a method. */
export function methodDoc({ facts }: CommandModel): string {
  return `  /** \`${facts.name}\` */\n`;
}
