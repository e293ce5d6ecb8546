import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { flagsText } from '../../scripts/defense-flags.ts';
import { DEFENSES } from '../defense/index.ts';
import { addDefenseFlags, METHODS, settingsFrom } from './defense-flags.ts';

test('the flags are those of the table of defenses: npm run generate', () => {
  const generated = new URL('generated/defenses.json', import.meta.url);
  expect(readFileSync(generated, 'utf8')).toBe(flagsText());
  expect(METHODS).toEqual(DEFENSES.map(({ name }) => name));
});

function parse(words: string): Record<string, unknown> {
  const command = addDefenseFlags(new Command('defend'))
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  return settingsFrom(command.parse(words.split(' '), { from: 'user' }).opts());
}

test.each([
  ['--epochs 3', { epochs: 3 }],
  ['--rate auto', { rate: 'auto' }],
  ['--rate 0.5', { rate: 0.5 }],
  ['--batch 8', { batchSize: 8 }],
  ['--site relu1 relu2', { site: ['relu1', 'relu2'] }],
  ['--layers after-site', { layers: 'after-site' }],
  ['--layers fc1 fc2', { layers: ['fc1', 'fc2'] }],
  ['--full-curve --dropout', { fullCurve: true, dropout: true }],
  ['--keep last', { keep: 'last' }],
  ['--holdout 0.1', { holdout: 0.1 }],
])('%s is read as %o', (words, settings) => {
  expect(parse(words)).toEqual(settings);
});

test('settings that are not given are left to the defense', () => {
  expect(parse('--epochs 3')).toEqual({ epochs: 3 });
});

test.each([
  ['--epochs 0', /whole number from 1/],
  ['--epochs 1.5', /whole number from 1/],
  ['--epochs NaN', /whole number from 1/],
  ['--rate 0', /number above 0 or "auto"/],
  ['--holdout 1', /above 0 below 1/],
  ['--share 1.5', /from 0 to 1/],
  ['--keep best', /chosen, last/],
])('%s is refused with the valid values', (words, message) => {
  expect(() => parse(words)).toThrow(message);
});
