import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import { shareBetween, size } from './options.ts';

test.each([
  ['2GB', 2e9],
  ['500MB', 5e8],
  ['500 mb', 5e8],
  ['1.5G', 1.5e9],
  ['64k', 64_000],
  ['4096', 4096],
  ['0', 0],
])('%s is %d bytes', (text, bytes) => {
  expect(size(text)).toBe(bytes);
});

test.each(['', 'GB', '-1GB', '2 GiBs', '1e9x', 'half'])('"%s" is not a size', (text) => {
  expect(() => size(text)).toThrow(InvalidArgumentError);
});

test.each(['0', '1', '1.2', '-0.1', '', 'half'])('"%s" is no share between 0 and 1', (text) => {
  expect(() => shareBetween(text)).toThrow(InvalidArgumentError);
});

test('a share between 0 and 1 is taken as it is', () => {
  expect(shareBetween('0.05')).toBe(0.05);
});
