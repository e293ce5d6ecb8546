import { expect, test } from 'vitest';
import { sheetOf } from './sheet.ts';

test('a sheet has rows of images, small ones enlarged, with white between them', () => {
  const rows = [Float32Array.of(0, 1, 0.2, 0.4), Float32Array.of(1, 1)];
  const { width, height, channels, pixels } = sheetOf(rows, [1, 1, 2]);
  // Two pixels wide, so 48 times as large: 96 x 48 and a gap of 4.
  expect({ width, height, channels }).toEqual({ width: 200, height: 104, channels: 1 });
  const at = (x: number, y: number) => pixels[y * width + x];
  expect([at(0, 0), at(47, 47), at(48, 0), at(95, 47)]).toEqual([0, 0, 255, 255]);
  expect([at(100, 0), at(148, 47)]).toEqual([51, 102]);
  expect([at(97, 0), at(0, 49)]).toEqual([255, 255]);
  expect([at(0, 52), at(100, 52)]).toEqual([255, 255]);
});
