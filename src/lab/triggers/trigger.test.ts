import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { badNetsPatch, squarePatch, type PatchTrigger } from './patch.ts';
import { parseTrigger, stamp } from './trigger.ts';

/** An image of dots, stamped, as rows of digits. */
function drawn(trigger: PatchTrigger, height: number, width: number, channels = 1): string[] {
  const x = new Float32Array(channels * height * width);
  stamp(trigger, x, [channels, height, width]);
  return Array.from({ length: channels * height }, (_, row) =>
    [...x.subarray(row * width, (row + 1) * width)].map((value) => value || '.').join(''),
  );
}

const stampOn = (trigger: PatchTrigger, sample: number[]) => () =>
  stamp(trigger, new Float32Array(sample.reduce((a, b) => a * b)), sample);

const code = (code: string): unknown => expect.objectContaining({ code });

describe('a patch', () => {
  test('is placed from any corner', () => {
    const pattern: PatchTrigger = {
      kind: 'patch',
      dims: [1, 2, 2],
      values: [1, 2, 3, 4],
      place: { corner: 'top-left', x: 1, y: 0 },
      opacity: 1,
    };
    const at = (corner: PatchTrigger['place']['corner']) =>
      drawn({ ...pattern, place: { corner, x: 1, y: 0 } }, 3, 4);
    expect(at('top-left')).toEqual(['.12.', '.34.', '....']);
    expect(at('top-right')).toEqual(['.12.', '.34.', '....']);
    expect(at('bottom-left')).toEqual(['....', '.12.', '.34.']);
    expect(drawn({ ...pattern, place: { corner: 'bottom-right', x: 0, y: 1 } }, 4, 4)).toEqual([
      '....',
      '..12',
      '..34',
      '....',
    ]);
    expect(drawn({ ...pattern, place: { corner: 'top-right', x: 0, y: 1 } }, 3, 4)).toEqual([
      '....',
      '..12',
      '..34',
    ]);
  });

  test('of one channel goes on all; of several, each on its own', () => {
    const place = { corner: 'top-left', x: 0, y: 0 } as const;
    expect(drawn(squarePatch(1, 7, place), 1, 2, 3)).toEqual(['7.', '7.', '7.']);
    const colour: PatchTrigger = {
      ...squarePatch(1, 0, place),
      dims: [3, 1, 1],
      values: [1, 2, 3],
    };
    expect(drawn(colour, 1, 2, 3)).toEqual(['1.', '2.', '3.']);
  });

  test('BadNets has its four pixels where the paper has them in MNIST', () => {
    const x = new Float32Array(784);
    stamp(badNetsPatch(), x, [1, 28, 28]);
    const bright = [...x.keys()].filter((i) => x[i] === 1);
    expect(bright.map((i) => [Math.floor(i / 28), i % 28])).toEqual([
      [24, 26],
      [25, 25],
      [26, 24],
      [26, 26],
    ]);
  });

  test('shines through by its opacity, rounded once to float32', () => {
    const trigger = { ...squarePatch(1, 0.9, { corner: 'top-left', x: 0, y: 0 }), opacity: 0.3 };
    const x = Float32Array.of(0.1, 0.1);
    const before = x[0] as number;
    stamp(trigger, x, [1, 1, 2]);
    expect(x[0]).toBe(Math.fround(0.3 * 0.9 + (1 - 0.3) * before));
    expect(x[1]).toBe(before);
  });

  test('changes only what lies under it, the same in a batch as alone, twice as once', () => {
    const image = fc.array(fc.float({ noNaN: true }), {
      minLength: 2 * 5 * 6,
      maxLength: 2 * 5 * 6,
    });
    const value = fc.option(fc.float({ noNaN: true, noDefaultInfinity: true }));
    const trigger = fc.record({
      values: fc.array(value, { minLength: 6, maxLength: 6 }),
      x: fc.nat(3),
      y: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.tuple(image, image), trigger, (images, { values, x, y }) => {
        const patch: PatchTrigger = {
          kind: 'patch',
          dims: [1, 2, 3],
          values,
          place: { corner: 'top-left', x, y },
          opacity: 1,
        };
        const sample = [2, 5, 6];
        const batch = Float32Array.from(images.flat());
        stamp(patch, batch, sample);
        const alone = images.map((image) => {
          const one = Float32Array.from(image);
          stamp(patch, one, sample);
          return [...one];
        });
        expect([...batch]).toEqual(alone.flat());
        for (const [i, before] of images.flat().entries()) {
          const row = (Math.floor(i / 6) % 5) - y;
          const column = (i % 6) - x;
          const inside = row >= 0 && row < 2 && column >= 0 && column < 3;
          const due = inside ? values[row * 3 + column] : null;
          expect(batch[i]! + 0).toBe((due ?? before) + 0);
        }
        const twice = batch.slice();
        stamp(patch, twice, sample);
        expect(twice).toEqual(batch);
      }),
    );
  });

  test('must fit its image', () => {
    expect(stampOn(squarePatch(3, 1), [1, 3, 8])).toThrow(code('trigger/outside'));
    expect(stampOn(squarePatch(3, 1), [1, 8, 3])).toThrow(code('trigger/outside'));
    expect(stampOn(squarePatch(3, 1), [1, 4, 4])).not.toThrow();
    expect(stampOn(squarePatch(3, 1), [16])).toThrow(code('trigger/dims'));
    expect(stampOn({ ...squarePatch(1, 1), dims: [2, 1, 1] }, [3, 4, 4])).toThrow(
      code('trigger/dims'),
    );
    expect(() => stamp(squarePatch(1, 1), new Float32Array(17), [1, 4, 4])).toThrow(RangeError);
  });
});

describe('a trigger in JSON', () => {
  test('comes back as it was', () => {
    const trigger = badNetsPatch(0.5);
    expect(parseTrigger(JSON.parse(JSON.stringify(trigger)), 'trigger.json')).toEqual(trigger);
  });

  test.each([
    ['nothing', null],
    ['an unknown kind', { kind: 'smell' }],
    ['a wrong opacity', { ...squarePatch(1, 1), opacity: 0 }],
    ['an unknown field', { ...squarePatch(1, 1), colour: 'red' }],
    ['half pixels', { ...squarePatch(1, 1), dims: [1, 0.5, 1] }],
  ])('that is %s is refused', (_, json) => {
    expect(() => parseTrigger(json, 'trigger.json')).toThrow(code('trigger/format'));
    expect(() => parseTrigger(json, 'trigger.json')).toThrow('trigger.json is no trigger');
  });
});
