import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { choicesText } from '../../scripts/cli-choices.ts';

test('the names in --help are those of the tables: npm run generate', () => {
  const generated = new URL('generated/choices.json', import.meta.url);
  expect(readFileSync(generated, 'utf8')).toBe(choicesText());
});
