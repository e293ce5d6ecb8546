import { describe, expect, test } from 'vitest';
import { arrayDataset } from '../data/index.ts';
import { Builder } from '../graph/index.ts';
import { float32 } from '../onnx/index.ts';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { checkSettings } from './check.ts';
import { train, type TrainSettings } from './loop.ts';
import { constant } from './schedules.ts';

describe('numeric settings of training', () => {
  test.each([
    ['epochs', [Number.NaN, 0, -1, 1.5, Infinity]],
    ['batchSize', [Number.NaN, 0, -1, 2.5]],
    ['classes', [Number.NaN, 0, 1.5]],
    ['seed', [Number.NaN, -1, 0.5]],
    ['smoothing', [Number.NaN, -0.1, 1]],
    ['rate', [Number.NaN, -0.1, Infinity]],
    ['momentum', [Number.NaN, -0.1, 1]],
    ['weightDecay', [Number.NaN, -0.1]],
    ['epsilon', [Number.NaN, 0]],
    ['rho', [Number.NaN, 0, -1]],
  ] as const)('%s: refuses %j', (name, values) => {
    for (const value of values) {
      expect(() => checkSettings({ [name]: value })).toThrow(
        expect.objectContaining({
          code: 'train/settings',
          message: expect.stringContaining(`${name} is ${value}; give a `) as string,
        }),
      );
    }
  });

  test('the message says the range', () => {
    expect(() => checkSettings({ momentum: 1 })).toThrow(
      'momentum is 1; give a number of 0 or more and below 1',
    );
    expect(() => checkSettings({ epochs: 0 })).toThrow(
      'epochs is 0; give a whole number of 1 or more',
    );
  });

  test('the ends of ranges and undefined are allowed', () => {
    checkSettings({ epochs: 1, batchSize: 1, seed: 0, smoothing: 0, rate: 0, momentum: 0 });
    checkSettings({ epochs: undefined, rho: undefined });
  });
});

describe('train', () => {
  const b = new Builder();
  const x = b.input('x', 'float32', ['n', 2]);
  const w = b.initializer('w', float32([2, 2], [1, 0, 0, 1]));
  const logits = b.op('MatMul', [x, w], {}, 'logits');
  const graph = b.build([{ name: logits }]);
  const dataset = arrayDataset({
    name: 'two',
    classes: ['a', 'b'],
    sample: [2],
    labels: Int32Array.of(0, 1),
    data: Float32Array.of(1, 0, 0, 1),
  });
  const settings: TrainSettings = {
    input: x,
    logits,
    parameters: [w],
    epochs: 1,
    batchSize: 2,
    seed: 0,
    schedule: constant(0.1),
    optimizer: { kind: 'sgd' },
  };
  const run = async (change: Partial<TrainSettings>) =>
    train(await testRuntime(), graph, dataset, { ...settings, ...change });

  test('changes the weights where all settings are in range', async () => {
    const trained = await run({});
    expect(trained.get(w)?.data).not.toEqual(Float32Array.of(1, 0, 0, 1));
  });

  test.each<[string, Partial<TrainSettings>]>([
    ['epochs', { epochs: Number.NaN }],
    ['batchSize', { batchSize: 0 }],
    ['seed', { seed: 0.5 }],
    ['smoothing', { smoothing: 1 }],
    ['rate', { schedule: constant(Number.NaN) }],
    ['momentum', { optimizer: { kind: 'sgd', momentum: -1 } }],
    ['weightDecay', { optimizer: { kind: 'sgd', weightDecay: Number.NaN } }],
    ['beta1', { optimizer: { kind: 'adam', beta1: 1 } }],
    ['scale', { scales: new Map([[w, Number.NaN]]) }],
    ['rho', { sharpness: { rho: 0, adaptive: false } }],
  ])('refuses %s out of range', async (name, change) => {
    await expect(run(change)).rejects.toMatchObject({
      code: 'train/settings',
      message: expect.stringContaining(`${name} is `) as string,
    });
  });
});
