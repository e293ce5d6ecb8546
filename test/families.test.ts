import { describe, expect, test } from 'vitest';
import { literalsOf, parametersOf } from '../src/network/index.ts';
import { normalize } from '../src/graph/index.ts';
import type { TensorOf } from '../src/onnx/index.ts';
import { trainingStep } from '../src/train/index.ts';
import {
  compare,
  FAMILIES,
  familiesIn,
  type GoldenGradient,
  inputOf,
  labelsOf,
  readFamily,
  readTraining,
} from './helpers/families.ts';
import { testRuntime } from './helpers/gradcheck.ts';

// Whole networks, as PyTorch exports them, against PyTorch's gradients in float64.
// scripts/golden/families.py makes the files, and says why few numbers a weight are enough.

const names = familiesIn(FAMILIES);

test('there are 20 families, each with BatchNormalization and with it folded', () => {
  const families = new Set(names.map((name) => name.split('.')[0] as string));
  expect(families.size).toBeGreaterThanOrEqual(20);
  for (const family of families) {
    expect(names).toContain(`${family}.folded`);
    expect(names).toContain(`${family}.frozen`);
  }
});

describe('the loss and the gradient of every parameter', () => {
  test.each(names)('%s', async (name) => {
    const { golden, model } = readFamily(FAMILIES, name);
    const { loss, error, worst, missed } = await compare(await testRuntime(), model, golden);
    expect(missed, 'parameters that would be left out of training').toEqual([]);
    expect(loss).toBeLessThan(1e-5);
    // Statistics of a small batch make gradients of differences, which float32 knows less well.
    expect(error, worst).toBeLessThan(name.endsWith('.training') ? 1e-3 : 1e-4);
  });
});

test('an error of 0.2% of the largest value in one element of one gradient is detected', async () => {
  const { golden, model } = readFamily(FAMILIES, 'resnet-basic.frozen');
  const { error: before } = await compare(await testRuntime(), model, golden);
  const [first, ...others] = golden.gradients as [GoldenGradient, ...GoldenGradient[]];
  // Whatever the element, it enters each product with one sign or the other.
  const products = first.products.map((product) => product + 0.002 * first.max);
  const wrong = { ...golden, gradients: [{ ...first, products }, ...others] };
  const { error, worst } = await compare(await testRuntime(), model, wrong);
  expect(before).toBeLessThan(1e-4);
  expect(error).toBeGreaterThan(1e-3);
  expect(worst).toBe(first.name);
});

describe('20 steps of SGD follow the losses of PyTorch', () => {
  test.each(['cnn', 'resnet', 'vit', 'lstm'])('%s', async (name) => {
    const { golden, model } = readTraining(name);
    const { graph } = normalize(model);
    const logits = graph.outputs[0]?.name as string;
    const [batchSize, ...sample] = golden.x.dims as [number, ...number[]];
    const step = await trainingStep(await testRuntime(), graph, {
      input: 'x',
      logits,
      sample,
      classes: 10,
      batchSize,
      optimizer: { kind: 'sgd' },
      parameters: parametersOf(graph, logits, literalsOf(model)),
    });
    const weights = new Float32Array(batchSize).fill(1);
    for (const [index, expected] of golden.losses.entries()) {
      const seed = golden.x.seeds[index] as number;
      const x = (inputOf(golden.x, seed) as TensorOf<'float32'>).data;
      const y = labelsOf(seed, batchSize, 10);
      const { loss } = await step.run({ x, y, weights }, golden.rate);
      expect(Math.abs(loss - expected) / expected, `step ${index}`).toBeLessThan(1e-3);
    }
    await step.dispose();
  });
});
