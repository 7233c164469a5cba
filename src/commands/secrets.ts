import type { Arg, Command } from './command';

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
  return secretsOf(command).reduce(
    (rest, secret) => (secret === '' ? rest : rest.replace(standing(secret), '***')),
    text,
  );
}

/** A short one is not taken out of the middle of other words. */
function standing(secret: string): RegExp {
  const exactly = secret.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return new RegExp(`(?<!\\w)${exactly}(?!\\w)`, 'g');
}

function textOf(arg: Arg): string {
  return arg instanceof Uint8Array ? Buffer.from(arg).toString() : String(arg);
}
