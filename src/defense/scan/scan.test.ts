import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { arrayDataset, type Dataset, random } from '../../data/index.ts';
import { Builder, modelOf } from '../../graph/index.ts';
import { openClassifier } from '../../network/index.ts';
import { float32, int64, type Model } from '../../onnx/index.ts';
import { candidateClasses } from './candidates.ts';
import { scanNetwork } from './scan.ts';
import { type ScanOptions, searchBatchSize } from './settings.ts';

const [SIDE, CLASSES, TARGET] = [6, 5, 3];
const PIXELS = SIDE * SIDE;

/**
 * A linear classifier of 6x6 pictures. A backdoored one says the target where the first pixel is above
 * 0.8, by a unit that clean pictures never activate.
 */
function classifier(strength: number, target?: 'all-to-all'): Model {
  const b = new Builder();
  const x = b.input('x', 'float32', ['n', 1, SIDE, SIDE]);
  const flat = b.op('Flatten', [x]);
  const w = b.initializer(
    'w',
    float32(
      [PIXELS, CLASSES],
      // Each class is the brightness of seven pixels of its own.
      Array.from({ length: PIXELS * CLASSES }, (_, at) => {
        const [place, label] = [Math.floor(at / CLASSES), at % CLASSES];
        return place > 0 && (place - 1) % CLASSES === label ? 4 : 0;
      }),
    ),
  );
  const pixel = b.op('Slice', [
    flat,
    b.initializer('from', int64([1], [0])),
    b.initializer('to', int64([1], [1])),
    b.initializer('axis', int64([1], [1])),
  ]);
  // A steep sigmoid, which has a gradient, as what a network learns.
  const above = b.op('Sub', [pixel, b.initializer('limit', float32([], [0.8]))]);
  const unit = b.op('Sigmoid', [b.op('Mul', [above, b.initializer('slope', float32([], [12]))])]);
  const plain = b.op('MatMul', [flat, w]);
  const hot = Array.from({ length: CLASSES }, (_, k) => (k === TARGET ? strength : 0));
  const toTarget = b.initializer('target', float32([1, CLASSES], hot));
  // The scores moved on by a class, in place of their own.
  const next = b.initializer(
    'next',
    float32(
      [CLASSES, CLASSES],
      Array.from({ length: CLASSES ** 2 }, (_, at) => {
        const [from, to] = [Math.floor(at / CLASSES), at % CLASSES];
        if (to === from) return -1;
        return to === (from + 1) % CLASSES ? 1 : 0;
      }),
    ),
  );
  const shifted = b.op('MatMul', [plain, next]);
  const added =
    target === 'all-to-all' ? b.op('Mul', [unit, shifted]) : b.op('MatMul', [unit, toTarget]);
  const scores = b.op('Add', [plain, added], {}, 's');
  return modelOf(b.build([{ name: scores }]));
}

/** Uniform pixels; the first one stays below the trigger. */
function pictures(length: number): Dataset {
  const draw = random(3, 'pictures');
  const data = Float32Array.from({ length: length * PIXELS }, (_, at) =>
    at % PIXELS === 0 ? 0.5 * draw.uniform() : draw.uniform(),
  );
  const labels = new Int32Array(length);
  return arrayDataset({
    name: 'noise',
    classes: Array.from({ length: CLASSES }, (_, k) => `class ${k}`),
    sample: [1, SIDE, SIDE],
    labels,
    data,
  });
}

async function scanned(strength: number, options: ScanOptions = {}, target?: 'all-to-all') {
  const runtime = await testRuntime();
  const data = pictures(300);
  const network = await openClassifier(runtime, classifier(strength, target), data);
  return scanNetwork(runtime, network, data, { steps: 150, ...options });
}

describe('a network with a backdoor of one pixel', () => {
  const once = scanned(40);

  test('is found, with its target', async () => {
    const { verdict, suspects } = await once;
    expect(verdict).toBe('backdoored');
    expect(suspects[0]).toMatchObject({ class: TARGET, name: `class ${TARGET}` });
    expect(suspects[0]?.surrogate.rate).toBeGreaterThan(0.8);
  });

  test('the patch that is found covers that pixel more than any other', async () => {
    const { suspects } = await once;
    const trigger = suspects[0]?.trigger;
    if (trigger?.family !== 'patch') throw new Error(`found by ${trigger?.family}`);
    expect(trigger.mask.indexOf(Math.max(...trigger.mask))).toBe(0);
    expect(trigger.pattern[0]).toBeGreaterThan(0.8);
  });

  test('the same seed gives the same scan', async () => {
    const [first, second] = [await once, await scanned(40)];
    expect({ ...second, seconds: 0 }).toEqual({ ...first, seconds: 0 });
  });

  test('another seed gives other numbers', async () => {
    const [first, second] = [await once, await scanned(40, { seed: 1 })];
    expect(second.suspects[0]?.size).not.toBe(first.suspects[0]?.size);
  });
});

test('a backdoor that turns each class into the next one is found as all-to-all', async () => {
  const { verdict, suspects } = await scanned(40, { steps: 250 }, 'all-to-all');
  expect(verdict).toBe('backdoored');
  expect(suspects[0]).toMatchObject({ class: null, name: 'all-to-all' });
  for (const { before, after } of suspects[0]?.examples ?? []) {
    expect([`class ${(Number(before.slice(-1)) + 1) % CLASSES}`, before]).toContain(after);
  }
});

test('nothing is found in the same network without the backdoor', async () => {
  const { verdict, suspects, inputLogic } = await scanned(0);
  expect([verdict, suspects, inputLogic]).toEqual(['nothing found', [], []]);
});

test('only the classes that are asked for are looked at, and the others are told', async () => {
  const { families, notLookedAt } = await scanned(40, { classes: [0, 1, 2], steps: 5 });
  for (const { classes } of families) {
    expect(classes.map((one) => one.class).toSorted((a, b) => Number(a) - Number(b))).toEqual([
      0, 1, 2,
    ]);
  }
  expect(notLookedAt[0]).toBe('2 of 5 classes (class 3, class 4)');
});

test('a time is turned into steps: more time, more steps', async () => {
  const stepsIn = async (time: number) => {
    let most = 0;
    await scanned(0, { time, onProgress: (_stage, _done, all) => (most = Math.max(most, all)) });
    return most;
  };
  const [short, long] = [await stepsIn(0.01), await stepsIn(3)];
  expect(short).toBe(40);
  expect(long).toBeGreaterThan(short);
});

test.each([
  ['small samples', 3 * 32 * 32, 128],
  ['pictures of ImageNet', 3 * 224 * 224, 27],
  ['very large samples', 3 * 2000 * 2000, 8],
])('the batch of %s fits into memory', (_, elements, expected) => {
  expect(searchBatchSize(elements)).toBe(expected);
});

test('an abort ends the scan', async () => {
  const controller = new AbortController();
  const scan = scanned(0, {
    signal: controller.signal,
    onProgress: (_stage, done) => done === 3 && controller.abort(),
  });
  await expect(scan).rejects.toThrow(/abort/i);
});

test.each([
  [{ classes: [0, 9] }, /no class 9: the model has 0 to 4/],
  [{ classes: [1] }, /give at least two/],
  [{ steps: 0 }, /"steps" is 0: give a whole number above 0/],
  [{ steps: 1.5 }, /whole number/],
  [{ steps: Number.NaN }, /"steps" is NaN/],
  [{ batchSize: -1 }, /"batchSize" is -1/],
  [{ time: 0 }, /"time" is 0: give a number above 0/],
  [{ time: Number.POSITIVE_INFINITY }, /"time" is Infinity/],
])('%j is refused', async (options, message) => {
  await expect(scanned(0, options)).rejects.toThrow(message);
});

test('of many classes, those with the heaviest rows of the last layer are candidates', async () => {
  const runtime = await testRuntime();
  const b = new Builder();
  const x = b.input('x', 'float32', ['n', 4]);
  // Class 7 has the largest sum of positive weights, class 11 the largest single weight.
  const rows = Array.from({ length: 4 * 20 }, (_, at) => {
    const [feature, label] = [Math.floor(at / 20), at % 20];
    if (label === 7) return 3;
    return label === 11 && feature === 2 ? 8 : ((at * 37) % 11) / 10 - 0.5;
  });
  const w = b.initializer('w', float32([4, 20], rows));
  const bias = b.initializer(
    'bias',
    float32(
      [20],
      Array.from({ length: 20 }, () => 0),
    ),
  );
  const model = modelOf(
    b.build([{ name: b.op('Add', [b.op('MatMul', [x, w]), bias], {}, 'scores') }]),
  );
  const data = arrayDataset({
    name: 'numbers',
    classes: Array.from({ length: 20 }, (_, k) => String(k)),
    sample: [4],
    labels: new Int32Array(4),
    data: Float32Array.from({ length: 16 }, (_, at) => at),
  });
  const network = await openClassifier(runtime, model, data);
  expect(candidateClasses(network, 20, 2)).toEqual([7, 11]);
});
