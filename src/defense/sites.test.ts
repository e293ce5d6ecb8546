import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../test/gradcheck.ts';
import { arrayDataset } from '../data/index.ts';
import { deepIdNetwork } from '../lab/networks/deepid.ts';
import { digitNetwork } from '../lab/networks/digits.ts';
import { conv, flatten, linear, pool, relu } from '../lab/networks/layers.ts';
import { speechNetwork } from '../lab/networks/speech.ts';
import type { Model } from '../onnx/index.ts';
import { classifierOf } from './classifier.ts';
import { built, CLASSES, draw, opened } from './fixture.ts';
import { lastSite, siteNamed, sitesOf } from './sites.ts';

const namesOf = async (model: Model) => (await opened(model)).sites.map(({ name }) => name);

async function defaultOf(model: Model): Promise<string> {
  const { classifier, sites } = await opened(model);
  return lastSite(classifier.traced, sites).name;
}

describe('the default site is the last convolutional one', () => {
  test('by the graph, where a shortcut comes last by name and order', async () => {
    const model = built(1, (n, x) => {
      const r1 = relu(n, conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3, pad: 1 }), 'relu1');
      const main = relu(n, conv(n, r1, 'a', { from: 4, to: 4, kernel: 3, pad: 1 }), 'reluA');
      const out = conv(n, main, 'b', { from: 4, to: 6, kernel: 1 });
      const shortcut = relu(n, conv(n, r1, 'zz', { from: 4, to: 6, kernel: 1 }), 'reluZ');
      const sum = relu(n, n.b.op('Add', [shortcut, out]), 'reluSum');
      return linear(n, flatten(n, sum), 'fc', 6 * 36, CLASSES);
    });
    expect(await namesOf(model)).toEqual(['relu1', 'reluA', 'reluZ', 'reluSum']);
    expect(await defaultOf(model)).toBe('reluSum');
  });

  test('and not the shortcut, where nothing follows their sum', async () => {
    const model = built(2, (n, x) => {
      const r1 = relu(n, conv(n, x, 'conv1', { from: 2, to: 3, kernel: 3, pad: 1 }), 'relu1');
      const main = relu(n, conv(n, r1, 'a', { from: 3, to: 8, kernel: 3, pad: 1 }), 'main');
      const side = relu(n, conv(n, r1, 'zz', { from: 3, to: 2, kernel: 1 }), 'side');
      const both = n.b.op('Concat', [main, side], { axis: 1 });
      return linear(n, flatten(n, both), 'fc', 10 * 36, CLASSES);
    });
    expect(await defaultOf(model)).toBe('main');
  });

  test('though fully connected ones follow', async () => {
    const model = built(3, (n, x) => {
      const r1 = relu(n, conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3 }), 'relu1');
      const r2 = relu(n, linear(n, flatten(n, r1), 'fc1', 64, 8), 'relu2');
      return linear(n, r2, 'fc2', 8, CLASSES);
    });
    const { sites } = await opened(model);
    expect(sites.map(({ kind, units, axis, dims }) => ({ kind, units, axis, dims }))).toEqual([
      { kind: 'convolutional', units: 4, axis: 1, dims: [4, 4, 4] },
      { kind: 'fully connected', units: 8, axis: 1, dims: [8] },
    ]);
    expect(await defaultOf(model)).toBe('relu1');
  });

  test('or the last fully connected one, where there is no other', async () => {
    const model = built(4, (n, x) => {
      const r1 = relu(n, linear(n, flatten(n, x), 'fc1', 72, 8), 'relu1');
      return linear(n, relu(n, linear(n, r1, 'fc2', 8, 6), 'relu2'), 'fc3', 6, CLASSES);
    });
    expect(await defaultOf(model)).toBe('relu2');
  });
});

describe('is no site', () => {
  test('the classifying convolution, whose channels are the scores', async () => {
    const model = built(5, (n, x) => {
      const r1 = relu(n, conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3, pad: 1 }), 'relu1');
      const last = relu(n, conv(n, r1, 'conv10', { from: 4, to: CLASSES, kernel: 1 }), 'relu10');
      return flatten(n, n.b.op('GlobalAveragePool', [last]));
    });
    expect(await namesOf(model)).toEqual(['relu1']);
    expect(await defaultOf(model)).toBe('relu1');
  });

  test('an activation that leads nowhere, or that comes before any layer', async () => {
    const model = built(6, (n, x) => {
      const before = relu(n, x, 'before');
      const r1 = relu(n, conv(n, before, 'conv1', { from: 2, to: 4, kernel: 3 }), 'relu1');
      relu(n, conv(n, r1, 'aside', { from: 4, to: 4, kernel: 1 }), 'aside');
      return linear(n, flatten(n, r1), 'fc', 64, CLASSES);
    });
    expect(await namesOf(model)).toEqual(['relu1']);
  });

  test('anything in a linear classifier, which is said', async () => {
    const model = built(7, (n, x) => linear(n, flatten(n, x), 'fc', 72, CLASSES));
    await expect(opened(model, 'relu1')).rejects.toMatchObject({
      code: 'defense/unknown-site',
      message: expect.stringContaining('none') as unknown,
    });
    const classifier = await opened(
      built(3, (n, x) =>
        linear(
          n,
          flatten(n, relu(n, conv(n, x, 'c', { from: 2, to: 4, kernel: 3 }), 'r')),
          'fc',
          64,
          CLASSES,
        ),
      ),
    );
    expect(() => lastSite(classifier.classifier.traced, [])).toThrow(
      expect.objectContaining({ code: 'defense/no-site' }),
    );
  });
});

test('BatchNormalization, pooling and a bias lie between a layer and its activation', async () => {
  const model = built(8, (n, x) => {
    const parameters = ['scale', 'shift', 'mean'].map((name) =>
      n.b.initializer(`bn.${name}`, draw(n, [4])),
    );
    const variance = n.b.initializer('bn.var', {
      ...draw(n, [4]),
      data: Float32Array.of(1, 1, 1, 1),
    });
    const c = conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3, pad: 1 });
    const normed = n.b.op('BatchNormalization', [c, ...parameters, variance]);
    const r1 = relu(n, pool(n, 'MaxPool', normed, 'pool1'), 'relu1');
    const product = n.b.op('MatMul', [flatten(n, r1), n.b.initializer('w', draw(n, [36, 5]))]);
    const r2 = relu(n, n.b.op('Add', [product, n.b.initializer('b', draw(n, [5]))]), 'relu2');
    return linear(n, r2, 'fc2', 5, CLASSES);
  });
  const { sites } = await opened(model);
  expect(sites.map(({ name, units, kind }) => [name, units, kind])).toEqual([
    ['relu1', 4, 'convolutional'],
    ['relu2', 5, 'fully connected'],
  ]);
});

test('an unknown name is answered with the sites there are', async () => {
  const { sites } = await opened(
    built(3, (n, x) => {
      const r1 = relu(n, conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3 }), 'relu1');
      return linear(n, flatten(n, r1), 'fc2', 64, CLASSES);
    }),
  );
  expect(siteNamed(sites, 'relu1').units).toBe(4);
  expect(() => siteNamed(sites, 'Relu_1')).toThrow(
    expect.objectContaining({
      code: 'defense/unknown-site',
      message: expect.stringMatching(/"Relu_1".*"relu1" \(4 units\)/) as unknown,
    }),
  );
});

test.each([
  ['digits', digitNetwork(1), [1, 28, 28], 10, ['relu1', 'relu2', 'relu3'], 'relu2', 32],
  [
    'DeepID',
    deepIdNetwork(1, 4),
    [3, 55, 47],
    4,
    ['relu1', 'relu2', 'relu3', 'relu4', 'relu5'],
    'relu4',
    80,
  ],
  [
    'speech',
    speechNetwork(1),
    [1, 128, 128],
    10,
    ['relu1', 'relu2', 'relu3', 'relu4', 'relu5', 'relu6', 'relu7'],
    'relu5',
    256,
  ],
] as const)(
  'the networks of the paper: %s',
  async (name, model, sample, classes, all, last, units) => {
    const data = arrayDataset({
      name,
      classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
      sample,
      labels: Int32Array.of(0, 1),
      data: new Float32Array(2 * sample[0] * sample[1] * sample[2]),
    });
    const { traced, scores } = await classifierOf(await testRuntime(), model, data);
    const sites = sitesOf(traced, scores);
    expect(sites.map((site) => site.name)).toEqual(all);
    expect(lastSite(traced, sites)).toMatchObject({ name: last, units });
  },
);
