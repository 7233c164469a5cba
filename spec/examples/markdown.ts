/** A fenced piece of a Markdown document. */
export interface Block {
  readonly document: string;
  /** of the first line of code, counted from 1 */
  readonly line: number;
  readonly language: string;
  readonly code: string;
}

/** The fenced blocks of a document, in order. */
export function blocksOf(document: string, markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const language = /^```(\w*)$/.exec(lines[at]!)?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    if (end === -1) throw new Error(`${document}:${at + 1}: a block that never ends`);
    blocks.push({ document, line: at + 2, language, code: lines.slice(at + 1, end).join('\n') });
    at = end;
  }
  return blocks;
}

/** The files that a document links to, without anchors and without what is on the web. */
export function linksOf(markdown: string): readonly string[] {
  const targets = [...markdown.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!.replace(/#.*$/, ''));
  return targets.filter((target) => target !== '' && !/^[a-z]+:/.test(target));
}
