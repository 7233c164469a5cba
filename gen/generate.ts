import { buildModels } from './build-model';
import { Unmapped } from './grammar';
import { checkOverrides } from './check-overrides';
import { emitGroup } from './emit/builders';
import { emitReference } from './emit/reference';
import { emitRegistry } from './emit/registry';
import { emitBarrel, emitOptionTypes, emitSession, emitSurface } from './emit/surface';
import { callable, loadFacts } from './facts';
import type { CommandModel } from './model';

/** All models, or an error that lists every command that no rule and no override can map. */
export function models(): CommandModel[] {
  const unmapped: string[] = [];
  const built = callable(loadFacts()).flatMap((facts) => {
    try {
      return buildModels(facts);
    } catch (error) {
      if (!(error instanceof Unmapped)) throw error;
      unmapped.push(`${facts.name}: ${error.message}`);
      return [];
    }
  });
  if (unmapped.length > 0) throw new Error(`No rule and no override maps\n${unmapped.join('\n')}`);
  return built;
}

/** Path from the repository's root → text of every generated file. */
export function generate(): Map<string, string> {
  checkOverrides();
  const all = models();
  const files = new Map<string, string>();
  for (const file of [...new Set(all.map((model) => model.file))].sort()) {
    files.set(`src/commands/generated/${file}.ts`, emitGroup(all.filter((model) => model.file === file)));
  }
  files.set('src/commands/generated/surface.ts', emitSurface(all));
  files.set('src/commands/generated/session.ts', emitSession(all));
  files.set('src/commands/generated/builders.ts', emitBarrel(all));
  files.set('src/commands/generated/option-types.ts', emitOptionTypes(all));
  files.set('src/commands/generated/registry.ts', emitRegistry(all));
  files.set('src/commands/generated/COMMANDS.md', emitReference(all));
  return files;
}
