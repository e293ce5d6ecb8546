import { expect, test } from 'vitest';
import { rows } from '../../../test/helpers/lab.ts';
import { poison, triggered } from '../attacks/poison.ts';
import { previewOf } from './preview.ts';
import { sinusoid } from './sinusoid.ts';
import type { Trigger } from './trigger.ts';
import { warp } from './warp.ts';

const warped = { kind: warp, settings: { seed: 1, grid: 3, strength: 2 } };

test.each<Trigger>([
  warped,
  { kind: sinusoid, settings: { strength: 0.13, frequency: 3, range: { low: 0, high: 1 } } },
])('a preview equals the samples of training and testing, to the bit: %o', async (trigger) => {
  const data = rows(30, 1);
  const { indices, clean, triggered: stamped } = await previewOf(data, trigger, 7);
  expect(indices).toEqual([0, 1, 2, 3, 4, 5, 6]);
  const read = async (from: typeof data) => {
    const x = new Float32Array(7 * 64);
    await from.read(indices, x);
    return x;
  };
  expect(clean).toEqual(await read(data));
  expect(stamped).toEqual(await read(triggered(data, trigger)));
  expect(stamped).not.toEqual(clean);
  const target = { kind: 'untargeted' } as const;
  const { dataset } = poison(data, { trigger, target, rate: 1, seed: 1 });
  expect(stamped).toEqual(await read(dataset));
});

test('a preview shows each class, and at most all samples', async () => {
  const data = rows(30, 1);
  const made = await previewOf(data, warped, 4);
  expect(made.indices.map((index) => data.labels[index])).toEqual([0, 1, 2, 0]);
  expect((await previewOf(data, warped, 100)).indices).toHaveLength(30);
});
