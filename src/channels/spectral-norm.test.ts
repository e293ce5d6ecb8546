import { expect, test } from 'vitest';
import { spectralNorm } from './spectral-norm.ts';

const norm = (rows: readonly (readonly number[])[]) =>
  spectralNorm(Float64Array.from(rows.flat()), rows.length, (rows[0] as number[]).length);

test.each([
  [
    'diagonal',
    [
      [3, 0],
      [0, -4],
    ],
    4,
  ],
  [
    'of rank one',
    [
      [1, 1],
      [1, 1],
    ],
    2,
  ],
  [
    'orthogonal: both singular values are the same',
    [
      [3, 4],
      [-4, 3],
    ],
    5,
  ],
  // AᵀA = [[1, 1], [1, 2]] has the eigenvalues (3 ± √5) / 2.
  [
    'a shear',
    [
      [1, 1],
      [0, 1],
    ],
    Math.sqrt((3 + Math.sqrt(5)) / 2),
  ],
  ['one row', [[3, 4, 12]], 13],
  ['one column', [[3], [4], [12]], 13],
  [
    'wide',
    [
      [1, 0, 2],
      [0, 3, 0],
    ],
    3,
  ],
  [
    'tall',
    [
      [1, 0],
      [0, 3],
      [2, 0],
    ],
    3,
  ],
  [
    'zero',
    [
      [0, 0],
      [0, 0],
    ],
    0,
  ],
])('%s', (_, rows, expected) => {
  expect(norm(rows)).toBeCloseTo(expected, 10);
});

test('singular values that lie close together are told apart', () => {
  expect(
    norm([
      [1, 0],
      [0, 1 - 1e-9],
    ]),
  ).toBeCloseTo(1, 11);
});

test('very large and very small matrices', () => {
  expect(
    norm([
      [3e30, 0],
      [0, 4e30],
    ]) / 4e30,
  ).toBeCloseTo(1, 10);
  expect(
    norm([
      [3e-30, 0],
      [0, 4e-30],
    ]) / 4e-30,
  ).toBeCloseTo(1, 10);
});
