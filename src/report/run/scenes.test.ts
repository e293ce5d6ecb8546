import { expect, test } from 'vitest';
import { blocks } from '../../../test/helpers/data.ts';
import { subset, type SceneObject } from '../../data/index.ts';
import type { Outcome } from '../../defense/index.ts';
import type { Detection } from '../../metrics/index.ts';
import { scenesOf } from './scenes.ts';
import { scenesSection } from './scenes-section.ts';

const clean = blocks(12, [32, 48], 4);
const scenes = clean.objects ?? [];
const red = scenes.flatMap((own, index) => (own.some(({ label }) => label === 0) ? [index] : []));
const triggered = subset(clean, red.slice(1));
const target = { kind: 'source-to-target', source: 0, target: 1 } as const;

const found = (own: readonly SceneObject[], called: (label: number) => number): Detection[] => [
  ...own.map(({ box, label }) => ({ box, label: called(label), score: 0.9 })),
  // Too unsure to be shown.
  { box: { left: 0, top: 0, right: 9, bottom: 9 }, label: 0, score: 0.3 },
];
const said = (objects: readonly (readonly SceneObject[])[], called: (label: number) => number) => ({
  called: Int32Array.from(objects.flat(), ({ label }) => called(label)),
  detections: objects.map((own) => found(own, called)),
});
const outcome = (method: Outcome['method'], fooled: (label: number) => number) =>
  ({
    method,
    predictions: {
      clean: said(scenes, (label) => label),
      triggered: said(triggered.objects ?? [], fooled),
    },
  }) as unknown as Outcome;
const outcomes = [outcome('none', () => 1), outcome('fine-pruning', (label) => label)];
const data = { clean, triggered: { dataset: triggered, target } };

test('scenes that are attacked are shown without the trigger and with it, others beside them', async () => {
  const { classes, shown } = (await scenesOf(outcomes, data)) ?? { classes: [], shown: [] };
  expect(classes).toEqual(clean.classes);
  expect(shown.slice(0, 4).map(({ of }) => of)).toEqual(['test', 'triggered', 'test', 'triggered']);
  expect(shown[0]?.truth).toEqual(shown[1]?.truth);
  // The second red scene is the first that has the trigger.
  expect(shown[0]?.truth.map(({ box }) => box)).toEqual(
    scenes[red[1] as number]?.map(({ box }) => box),
  );
  expect(shown[1]?.before.map(({ label }) => label)).toEqual(
    shown[1]?.truth.map(() => clean.classes[1]),
  );
  expect(shown[1]?.after.map(({ label }) => label)).toEqual(
    shown[1]?.truth.map(({ label }) => label),
  );
  for (const { before, after } of shown) {
    for (const { score } of [...before, ...after]) expect(score).toBe(0.9);
  }
});

test('a picture is in the page once, wrong detections are marked', async () => {
  const shown = await scenesOf(outcomes, data);
  const { markup = '' } = scenesSection(shown, []) ?? {};
  expect(markup.match(/data:image\/png/g)).toHaveLength(shown?.shown.length ?? 0);
  const wrong = shown?.shown
    .flatMap(({ truth, before }) => before.map(({ label }, at) => label !== truth[at]?.label))
    .filter(Boolean);
  expect(markup.match(/class="wrong"/g)).toHaveLength(wrong?.length ?? 0);
  expect(wrong?.length).toBeGreaterThan(0);
  expect(markup).toContain('viewBox="0 0 48 32"');
});

test('a classifier has none', async () => {
  const answers = { called: new Int32Array(12) };
  const plain = [{ method: 'none', predictions: { clean: answers } } as unknown as Outcome];
  expect(await scenesOf(plain, { clean })).toBeUndefined();
});
