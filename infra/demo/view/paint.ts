const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** Dresses text for a terminal, or leaves it as it is. */
export type Paint = Readonly<Record<keyof typeof CODES, (text: string) => string>>;

/** @param colourful false where NO_COLOR is set (https://no-color.org) or nobody would see it */
export function makePaint(colourful: boolean): Paint {
  const brush = (code: number) => (text: string) => (colourful ? `\x1b[${code}m${text}\x1b[0m` : text);
  return {
    bold: brush(CODES.bold),
    dim: brush(CODES.dim),
    red: brush(CODES.red),
    green: brush(CODES.green),
    yellow: brush(CODES.yellow),
    cyan: brush(CODES.cyan),
  };
}
