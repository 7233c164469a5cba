import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withTable } from './table';

// `npm run supported`: writes the table of what the package is tried with into README.
const README = join(__dirname, '../../README.md');
writeFileSync(README, withTable(readFileSync(README, 'utf8')));
