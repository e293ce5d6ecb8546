import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../../../test/helpers/gradcheck.ts';
import { split, type Dataset } from '../../../data/index.ts';
import { float32, type TensorOf } from '../../../onnx/index.ts';
import type { GradientMagnitudes } from '../../../train/index.ts';
import { fineTune, type FineTuneSettings, optimizerOf } from './fine-tune.ts';
import { images, opened, specimen } from '../../../../test/helpers/networks.ts';
import { scalesOf } from './rate.ts';

const data = split(images(120, 11), { tune: 0.75, holdout: 0.25 }, 1);

const settings: FineTuneSettings = {
  epochs: 3,
  batchSize: 16,
  rate: 'auto',
  optimizer: optimizerOf('auto'),
  seed: 5,
};

/** The same images, every pixel times a power of two: nothing is rounded. */
function brighter(dataset: Dataset, factor: number): Dataset {
  return {
    ...dataset,
    async read(indices, into) {
      await dataset.read(indices, into);
      into.forEach((value, at) => (into[at] = factor * value));
    },
  };
}

async function tuned(factor: number, more: Partial<FineTuneSettings> = {}) {
  const { classifier } = await opened(specimen('Conv with bias').model);
  const first = classifier.graph.initializers.get('conv1.weight') as TensorOf<'float32'>;
  const smaller = { ...first, data: first.data.map((value) => value / factor) };
  const graph = {
    ...classifier.graph,
    initializers: new Map([...classifier.graph.initializers, ['conv1.weight', smaller] as const]),
  };
  const parts = { tune: brighter(data.tune, factor), holdout: brighter(data.holdout, factor) };
  const how = { ...settings, ...more };
  const result = await fineTune(
    await testRuntime(),
    { ...classifier, graph },
    graph,
    new Map(),
    parts,
    how,
  );
  const weight = result.graph.initializers.get('conv1.weight') as TensorOf<'float32'>;
  return { ...result, weight: weight.data.map((value) => value * factor) };
}

test('the scale of the inputs makes no difference at all', async () => {
  const [one, many] = [await tuned(1), await tuned(256)];
  expect(many.found?.edge).toBe(one.found?.edge);
  expect(many.epochs).toEqual(one.epochs);
  expect(many.weight).toEqual(one.weight);
  expect(one.retries).toEqual([]);
  expect(one.epochs.at(-1)?.loss).toBeLessThan(one.start.loss);
});

test('which takes the scales: one rate for all that is fit for one layer undoes the other', async () => {
  const given = { rate: 0.05, optimizer: optimizerOf(0.05) };
  expect((await tuned(1, given)).retries).toEqual([]);
  expect((await tuned(256, given)).retries.length).toBeGreaterThan(2);
});

test('a rate is found for Adam too', async () => {
  const { found, epochs, start } = await tuned(1, { optimizer: optimizerOf('auto', 'adam') });
  expect(found?.rate).toBeGreaterThan(1e-4);
  expect(epochs.at(-1)?.loss).toBeLessThan(start.loss);
});

const sizes = (square: number[]): GradientMagnitudes => ({
  absolute: Float64Array.from(square, Math.sqrt),
  square: Float64Array.from(square),
});

const of = (
  kind: 'sgd' | 'adam',
  entries: [string, number[], number[]][],
  masks = new Map<string, TensorOf<'float32'>>(),
) =>
  scalesOf(
    new Map(entries.map(([name, values]) => [name, float32([values.length], values)])),
    masks,
    new Map(entries.map(([name, , square]) => [name, sizes(square)])),
    kind,
  );

const bias = (mask?: TensorOf<'float32'>) =>
  of('sgd', [['bias', [3, 0, -1e20], [1, 8, 0]]], mask && new Map([['bias', mask]]));

describe('scales', () => {
  test('are length over length of the gradient, or root mean square', () => {
    expect(of('sgd', [['a', [3, 4], [1, 3]]]).get('a')).toBe(2.5);
    expect(of('adam', [['a', [1, 7], [1, 3]]]).get('a')).toBe(5);
  });

  test('do not hear of elements that no gradient reaches, or that are pruned', () => {
    expect(bias().get('bias')).toBe(1);
    expect(bias(float32([3], [1, 0, 1])).get('bias')).toBe(3);
  });

  test('of a tensor of zeros, or without a gradient, are the middle one', () => {
    const found = of('sgd', [
      ['a', [1], [1]],
      ['b', [4], [4]],
      ['c', [9], [1]],
      ['zero', [0, 0], [1, 1]],
      ['dead', [5, 5], [0, 0]],
    ]);
    expect([found.get('zero'), found.get('dead')]).toEqual([2, 2]);
  });
});
