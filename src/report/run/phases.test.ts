import { expect, test } from 'vitest';
import { rate } from '../../metrics/interval.ts';
import { phasesOf } from './phases.ts';

/** A curve out of the attacks that succeed, of 100, at 0, 1, 2 ... units. */
const curveOf = (hits: (number | undefined)[]) =>
  hits.map((asr, pruned) => ({
    pruned,
    unit: pruned === 0 ? null : pruned - 1,
    validation: rate(99, 100),
    ...(asr !== undefined && { asr: rate(asr, 100) }),
  }));
const phases = (hits: (number | undefined)[], pruned: number) =>
  phasesOf({ curve: curveOf(hits), stop: { pruned, maxDrop: 0.02, reason: '' } }).map(
    ({ number, from, to }) => [number, from, to],
  );

test('the second begins where attack success begins to fall', () => {
  expect(phases([100, 100, 98, 60, 5, 0, 0], 5)).toEqual([
    [1, 0, 2],
    [2, 2, 5],
    [3, 5, 6],
  ]);
});

test('there is none where the attack holds out, or falls only with accuracy', () => {
  const two = [
    [1, 0, 3],
    [3, 3, 5],
  ];
  expect(phases([100, 99, 98, 97, 50, 0], 3)).toEqual(two);
  expect(phases([undefined, undefined, undefined, undefined, undefined, undefined], 3)).toEqual(
    two,
  );
});

test('what is empty is left out', () => {
  expect(phases([100, 0, 0], 2)).toEqual([[2, 0, 2]]);
  expect(phases([100], 0)).toEqual([]);
});
