// Fails when src/ of the working folder imports against the layers.

import type { ICruiseResult } from 'dependency-cruiser';
import { rules } from './layers';

async function main(): Promise<void> {
  const { cruise } = await import('dependency-cruiser');
  const options = { validate: true, tsPreCompilationDeps: 'specify', doNotFollow: { path: 'node_modules' } } as const;
  const { output } = await cruise(['src'], { ...options, ruleSet: rules });
  const { violations, totalCruised } = (output as ICruiseResult).summary;
  for (const { rule, from, to, cycle } of violations) {
    const via = cycle === undefined ? to : cycle.map(({ name }) => name).join(' → ');
    console.error(`${rule.name}: ${from} → ${via}`);
  }
  console.log(`layers: ${totalCruised} modules, ${violations.length} imports against the rules`);
  if (violations.length > 0) process.exitCode = 1;
}

void main();
