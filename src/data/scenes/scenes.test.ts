import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { areaOf } from './boxes.ts';
import { concat, subset } from '../dataset.ts';
import { DataError } from '../error.ts';
import { random } from '../random.ts';
import { drawScene } from './augment.ts';
import { openScenes, scenesOf } from './scenes.ts';
import { drawnSigns } from '../../lab/index.ts';
import { split } from '../splits.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scenes-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

/** A picture of one color, 255 as 1. */
const ppm = (width: number, height: number, [red, green, blue] = [255, 0, 51]) => {
  const pixels = Array.from({ length: width * height }, () => [red, green, blue] as number[]);
  return Buffer.concat([
    Buffer.from(`P6\n${width} ${height}\n255\n`),
    Uint8Array.from(pixels.flat()),
  ]);
};

const voc = (...objects: readonly (readonly [string, number, number, number, number])[]) =>
  `<annotation><size><width>20</width></size>${objects
    .map(
      ([name, left, top, right, bottom]) =>
        `<object><name>${name}</name><difficult>${name === 'far' ? 1 : 0}</difficult><part><name>pole</name></part>` +
        `<bndbox><xmin>${left}</xmin><ymin>${top}</ymin><xmax>${right}</xmax><ymax>${bottom}</ymax></bndbox></object>`,
    )
    .join('')}</annotation>`;

const fault = async (opened: Promise<unknown>) => {
  const error = await opened.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DataError);
  return error as DataError;
};

describe('a folder of Pascal VOC', () => {
  test('is scenes scaled into one size, the boxes with them', async () => {
    await put({
      'images/a.ppm': ppm(20, 10),
      'images/b.ppm': ppm(10, 10),
      'images/unlabeled.ppm': ppm(10, 10),
      'annotations/a.xml': voc(['stop', 2, 4, 10, 8], ['far', 0, 0, 4, 4]),
      'annotations/b.xml': voc(),
    });
    const scenes = await openScenes(folder, [10, 10]);
    expect(scenes.classes).toEqual(['far', 'stop']);
    expect(scenes.sample).toEqual([3, 10, 10]);
    expect(scenes.objects).toEqual([
      [
        { box: { left: 1, top: 2, right: 5, bottom: 4 }, label: 1 },
        { box: { left: 0, top: 0, right: 2, bottom: 2 }, label: 0, difficult: true },
      ],
      [],
    ]);
    const x = new Float32Array(600);
    await scenes.read([0, 1], x);
    // Red above, and gray below where the scene is too low.
    expect([x[0], x[49], x[100]]).toEqual([1, 1, 0]);
    expect(x[50]).toBeCloseTo(114 / 255);
    expect(x[399]).toBe(1);
  });

  test.each([
    ['no folder of annotations', { 'images/a.ppm': ppm(4, 4) }, 'data/format', /"annotations"/],
    [
      'no image',
      { 'images/b.ppm': ppm(4, 4), 'annotations/a.xml': voc() },
      'data/missing',
      /a\.xml/,
    ],
    ['nothing', { 'images/b.ppm': ppm(4, 4), 'annotations/a.md': '' }, 'data/empty', /annotations/],
    [
      'another XML',
      { 'images/a.ppm': ppm(4, 4), 'annotations/a.xml': '<html></html>' },
      'data/format',
      /a\.xml has no <annotation>/,
    ],
    [
      'a box without area',
      { 'images/a.ppm': ppm(4, 4), 'annotations/a.xml': voc(['stop', 3, 3, 3, 4]) },
      'data/format',
      /object 1 \("stop"\): the box \(3, 3\) to \(3, 4\) has no area/,
    ],
    [
      'a box outside',
      { 'images/a.ppm': ppm(4, 4), 'annotations/a.xml': voc(['stop', 5, 0, 9, 4]) },
      'data/unreadable',
      /1 of 1 scenes.*\n.*a\.ppm: the box of its "stop" lies outside/,
    ],
    [
      'a broken image',
      { 'images/a.png': 'no picture', 'annotations/a.xml': voc(['stop', 0, 0, 4, 4]) },
      'data/unreadable',
      /a\.png/,
    ],
  ] as const)('with %s is refused', async (_, files, code, message) => {
    await put(files);
    const error = await fault(openScenes(folder, [4, 4]));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });
});

describe('a folder of YOLO', () => {
  const image = { 'images/a.ppm': ppm(20, 10), 'labels/a.txt': '1 0.5 0.5 0.2 0.4\n' };
  const box = { left: 8, top: 3, right: 12, bottom: 7 };

  test.each([
    ['classes.txt', 'stop\nlight\n'],
    ['data.yaml', 'nc: 2\nnames: [stop, "light"]\ntrain: images\n'],
    ['data.yaml', "names:\n  - 'stop'\n  - light\nval: images\n"],
    ['data.yaml', 'names:\n  0: stop\n  1: light\n'],
  ])('with %s (%j)', async (name, text) => {
    await put({ ...image, [name]: text });
    const scenes = await openScenes(folder, [10, 20]);
    expect(scenes.classes).toEqual(['stop', 'light']);
    expect(scenes.objects?.[0]?.map(({ label }) => label)).toEqual([1]);
    for (const [side, value] of Object.entries(scenes.objects?.[0]?.[0]?.box ?? {})) {
      expect(value).toBeCloseTo(box[side as keyof typeof box], 9);
    }
  });

  test.each([
    ['names no classes', {}, 'data/classes', /classes\.txt/],
    ['has a line of four', { 'labels/a.txt': '0 1 2 3' }, 'data/format', /line 1: "0 1 2 3"/],
    [
      'has a class too many',
      { 'labels/a.txt': '\n7 0.5 0.5 0.1 0.1' },
      'data/label',
      /line 2: class 7/,
    ],
  ])('that %s is refused', async (what, files, code, message) => {
    const classes = what === 'names no classes' ? {} : { 'classes.txt': 'stop\nlight' };
    await put({ ...image, ...classes, ...files });
    const error = await fault(openScenes(folder, [10, 20]));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });
});

const rare = (labels: Int32Array) => labels.filter((label) => label === 2).length;

describe('scenes in parts', () => {
  const scenes = drawnSigns(120, [48, 48], 3);

  test('keep their objects with them', () => {
    const two = subset(scenes, [7, 3]);
    expect(two.objects).toEqual([scenes.objects?.[7], scenes.objects?.[3]]);
    expect(concat([two, scenes]).objects?.[1]).toEqual(scenes.objects?.[3]);
  });

  test('a split has scenes of the rarest class in the shares of the whole', () => {
    const parts = split(scenes, { train: 0.6, test: 0.4 }, 1);
    expect(rare(parts.test.labels) / rare(scenes.labels)).toBeCloseTo(0.4, 1);
    expect(parts.test.objects).toHaveLength(parts.test.length);
  });

  test('a scene stands for its rarest class', () => {
    const box = { left: 0, top: 0, right: 1, bottom: 1 };
    const of = (...labels: number[]) => ({
      planes: new Uint8Array(3),
      objects: labels.map((label) => ({ box, label })),
    });
    const made = scenesOf('few', ['a', 'b'], [1, 1], [of(0), of(0, 1), of(0), of()]);
    expect([...made.labels]).toEqual([0, 1, 0, 0]);
  });
});

describe('an augmented scene', () => {
  const drawn = drawnSigns(12, [64, 48], 1);
  const varied = { flippable: [0, 1, 2, 3], scale: [0.6, 1.5], jitter: 0.3, mosaic: 0.5 } as const;

  test('left as it is, is what was read', async () => {
    const x = new Float32Array(3 * 64 * 48);
    await drawn.read([4], x);
    const scene = await drawScene(drawn, 4, random(0), {});
    expect(scene.objects).toEqual(drawn.objects?.[4]);
    expect(Math.max(...scene.x.map((value, at) => Math.abs(value - (x[at] as number))))).toBe(0);
  });

  test('mirrored twice, at the same places, is itself; a class that may not be is not', async () => {
    const all = { flippable: [0, 1, 2, 3] };
    const seeds = Array.from({ length: 20 }, (_, seed) => seed);
    const first = drawn.objects?.[4]?.[0]?.box;
    const flipped = await Promise.all(
      seeds.map(async (seed) => (await drawScene(drawn, 4, random(seed), all)).objects[0]?.box),
    );
    const mirrored = flipped.filter((box) => box?.left !== first?.left);
    expect(mirrored.length).toBeGreaterThan(4);
    expect(mirrored.length).toBeLessThan(16);
    expect(mirrored[0]?.left).toBeCloseTo(48 - (first?.right ?? 0), 9);
    for (const seed of seeds) {
      const scene = await drawScene(drawn, 4, random(seed), { flippable: [] });
      expect(scene.objects[0]?.box.left).toBe(first?.left);
    }
  });

  test('has its boxes on what was drawn: a marked object is found by its color', async () => {
    const planes = new Uint8Array(3 * 64 * 48);
    const box = { left: 10, top: 20, right: 26, bottom: 40 };
    for (let row = 20; row < 40; row += 1) planes.fill(255, row * 48 + 10, row * 48 + 26);
    const marked = scenesOf('marked', ['a'], [64, 48], [{ planes, objects: [{ box, label: 0 }] }]);
    for (let seed = 0; seed < 30; seed += 1) {
      const { x, objects } = await drawScene(marked, 0, random(seed), {
        flippable: [0],
        scale: [0.6, 1.6],
      });
      const [only] = objects;
      if (!only) continue;
      // Red pixels, but for gray that is red in part too.
      const lit = [...x.subarray(0, 64 * 48)].flatMap((value, at) =>
        value > 0.6 && (x[at + 64 * 48] as number) < 0.3 ? [at] : [],
      );
      const [columns, rows] = [lit.map((at) => at % 48), lit.map((at) => Math.floor(at / 48))];
      expect(Math.abs(Math.min(...columns) - only.box.left)).toBeLessThan(1.5);
      expect(Math.abs(Math.max(...columns) + 1 - only.box.right)).toBeLessThan(1.5);
      expect(Math.abs(Math.min(...rows) - only.box.top)).toBeLessThan(1.5);
      expect(Math.abs(Math.max(...rows) + 1 - only.box.bottom)).toBeLessThan(1.5);
    }
  });

  test('is covered on its objects only, and they stay what they are', async () => {
    const erasing = { share: 1, most: 0.9, times: 3 };
    const [plain, covered] = [
      await drawScene(drawn, 4, random(0), {}),
      await drawScene(drawn, 4, random(0), { erasing }),
    ];
    expect(covered.objects).toEqual(plain.objects);
    const changed = [...covered.x.keys()].filter((at) => covered.x[at] !== plain.x[at]);
    expect(changed.length).toBeGreaterThan(0);
    for (const at of changed) {
      const [row, column] = [Math.floor(at / 48) % 64, at % 48];
      const inside = plain.objects.some(
        ({ box }) =>
          column >= Math.round(box.left) &&
          column < Math.round(box.right) &&
          row >= Math.round(box.top) &&
          row < Math.round(box.bottom),
      );
      expect(inside).toBe(true);
    }
  });

  test('stays within the picture and in 0 to 1, and is the same for the same seed', async () => {
    let objects = 0;
    for (let seed = 0; seed < 20; seed += 1) {
      const [scene, again] = await Promise.all(
        [0, 1].map(() => drawScene(drawn, seed % 12, random(seed), varied)),
      );
      expect(again).toEqual(scene);
      expect(scene?.x.every((value) => value >= 0 && value <= 1)).toBe(true);
      for (const { box } of scene?.objects ?? []) {
        objects += 1;
        expect(areaOf(box)).toBeGreaterThanOrEqual(16);
        expect(box.left).toBeGreaterThanOrEqual(0);
        expect(box.right).toBeLessThanOrEqual(48);
        expect(box.bottom).toBeLessThanOrEqual(64);
      }
    }
    expect(objects).toBeGreaterThan(20);
  });
});
