import { writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FORMATS, filters, presets } from '../src/data/index.ts';
import { SETS, type SetName } from '../src/lab/index.ts';
import type { Choices } from '../src/cli/choices.ts';

/**
 * Writes the names that `--help` shows, from the tables of formats, presets, filters and data sets. `npm
 * run generate` runs it; a test fails if the file is stale.
 */
export function choicesText(): string {
  const choices: Choices = {
    formats: FORMATS.map(({ description }) => description),
    presets,
    filters,
    sets: Object.keys(SETS) as SetName[],
  };
  return `${JSON.stringify(choices, null, 2)}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const path = fileURLToPath(new URL('../src/cli/generated/choices.json', import.meta.url));
  writeFileSync(path, choicesText());
}
