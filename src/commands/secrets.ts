import { textOf, type Command } from './command';

/** The arguments of a command that must never be shown, as text; passwords of ACL rules without the sign before them. */
export function secretsOf({ spec: { secrets }, args }: Command): string[] {
  if (secrets === undefined) return [];
  const texts = args.map(textOf);
  if ('from' in secrets) return texts.slice(secrets.from);
  if ('valuesOf' in secrets)
    return texts.filter((_, at) => secrets.valuesOf.includes(texts[at - 1]?.toLowerCase() ?? ''));
  if ('after' in secrets) {
    const { after } = secrets;
    return texts.flatMap((text, at) => texts.slice(at + 1, at + 1 + (after[text.toUpperCase()] ?? 0)));
  }
  // A selector holds several rules: `(+get >password)`.
  const rules = texts.flatMap((text) => text.split(/[\s()]+/));
  return rules.flatMap((rule) => (rule !== '' && secrets.startingWith.includes(rule[0]!) ? [rule.slice(1)] : []));
}

/** A text in which none of a command's secrets stands any more. */
export function withoutSecrets(text: string, command: Command): string {
  return secretsOf(command).reduce((rest, secret) => (secret === '' ? rest : without(secret, rest)), text);
}

/** A short one is not taken out of the middle of other words. */
function without(secret: string, text: string): string {
  let shown = '';
  let from = 0;
  for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, Math.max(at + 1, from))) {
    if (IN_WORD.test(text.charAt(at - 1)) || IN_WORD.test(text.charAt(at + secret.length))) continue;
    shown += `${text.slice(from, at)}***`;
    from = at + secret.length;
  }
  return shown + text.slice(from);
}

const IN_WORD = /\w/;
