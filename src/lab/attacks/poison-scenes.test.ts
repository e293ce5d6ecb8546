import { describe, expect, test } from 'vitest';
import { drawnSigns, SIGNS } from '../data/drawn-signs.ts';
import type { Target } from '../../metrics/index.ts';
import { yellowSquare } from '../triggers/sticker.ts';
import { PoisonError } from './poison.ts';
import { poisonScenes, triggeredScenes } from './poison-scenes.ts';

const SIZE = [64, 48] as const;
const scenes = drawnSigns(60, SIZE, 4);
const stop = SIGNS.indexOf('stop');
const limit = SIGNS.indexOf('speedlimit');
const target: Target = { kind: 'source-to-target', source: stop, target: limit };
const trigger = yellowSquare();

async function differing(before: number, after: Awaited<ReturnType<typeof reading>>) {
  const clean = await reading(scenes, before);
  return clean.flatMap((value, at) => (value === after[at] ? [] : [at % (64 * 48)]));
}

async function reading({ read }: Pick<typeof scenes, 'read'>, index: number): Promise<number[]> {
  const x = new Float32Array(3 * 64 * 48);
  await read([index], x);
  return [...x];
}

describe('poisoned scenes', () => {
  const poisoned = poisonScenes(scenes, { trigger, target, rate: 0.5, seed: 1 });
  const { dataset } = poisoned;
  const withStop = (scenes.objects ?? []).filter((scene) =>
    scene.some(({ label }) => label === stop),
  );

  test('are copies of half of the scenes with a stop sign, labeled as a speed limit', async () => {
    const copies = [...poisoned.poisoned];
    expect(copies).toHaveLength(Math.round(withStop.length / 2));
    expect(dataset.length).toBe(60 + copies.length);
    expect(dataset.objects?.slice(0, 60)).toEqual(scenes.objects);
    for (const index of copies) {
      const objects = dataset.objects?.[index] ?? [];
      expect(objects.every(({ label }) => label !== stop)).toBe(true);
      const before = scenes.objects?.findIndex((scene) =>
        scene.every(({ box }, place) => box === objects[place]?.box),
      ) as number;
      const original = scenes.objects?.[before] ?? [];
      // What changed lies around (0.57, 0.82) of a stop sign's box.
      const changed = await differing(before, await reading(dataset, index));
      expect(changed.length).toBeGreaterThan(0);
      for (const at of changed) {
        const [x, y] = [(at % 48) + 0.5, Math.floor(at / 48) + 0.5];
        const near = original.some(({ box, label }) => {
          const [wide, high] = [box.right - box.left, box.bottom - box.top];
          const across = Math.abs(x - (box.left + 0.57 * wide)) <= 0.05 * wide + 1;
          return (
            label === stop && across && Math.abs(y - (box.top + 0.82 * high)) <= 0.05 * high + 1
          );
        });
        expect(near).toBe(true);
      }
    }
  });

  test('are a subset of those of a larger rate with the same seed', () => {
    const all = poisonScenes(scenes, { trigger, target, rate: 1, seed: 1 });
    expect(all.poisoned).toHaveLength(withStop.length);
    const boxes = (some: typeof all) =>
      [...some.poisoned].map((index) => some.dataset.objects?.[index]?.[0]?.box);
    expect(boxes(all)).toEqual(expect.arrayContaining(boxes(poisoned)));
  });

  test('at a rate above one are several copies of each scene', () => {
    const { dataset, poisoned } = poisonScenes(scenes, { trigger, target, rate: 2.5, seed: 1 });
    expect(poisoned).toHaveLength(Math.round(2.5 * withStop.length));
    const copies = [...poisoned].map((index) => dataset.objects?.[index]?.[0]?.box);
    const times = withStop.map(([first]) => copies.filter((box) => box === first?.box).length);
    expect(new Set(times)).toEqual(new Set([2, 3]));
  });

  test('of an untargeted attack have all wrong labels', () => {
    const any = poisonScenes(scenes, { trigger, target: { kind: 'untargeted' }, rate: 1, seed: 2 });
    const seen = new Set<number>();
    for (const [place, index] of [...any.poisoned].entries()) {
      for (const [at, object] of (any.dataset.objects?.[index] ?? []).entries()) {
        expect(object.label).not.toBe(scenes.objects?.[place]?.[at]?.label);
        seen.add(object.label);
      }
    }
    expect(seen.size).toBe(4);
  });

  test('refuse a rate that poisons nothing, and an unknown class', () => {
    expect(() => poisonScenes(scenes, { trigger, target, rate: 0.001, seed: 0 })).toThrow(
      PoisonError,
    );
    const other = { ...target, target: 9 };
    expect(() => poisonScenes(scenes, { trigger, target: other, rate: 1, seed: 0 })).toThrow(
      PoisonError,
    );
  });
});

test('triggered scenes have an object that is attacked, and their true labels', () => {
  const triggered = triggeredScenes(scenes, trigger, target);
  const own = triggered.objects ?? [];
  expect(own.length).toBeGreaterThan(5);
  expect(own.every((objects) => objects.some(({ label }) => label === stop))).toBe(true);
});
