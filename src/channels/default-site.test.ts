import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { arrayDataset } from '../data/index.ts';
import { deepIdNetwork } from '../lab/networks/deepid.ts';
import { digitNetwork } from '../lab/networks/digits.ts';
import { conv, flatten, linear, type NetworkBuilder as Net, relu } from '../lab/networks/layers.ts';
import { speechNetwork } from '../lab/networks/speech.ts';
import type { Model } from '../onnx/index.ts';
import { openClassifier } from '../network/index.ts';
import { built, CLASSES, opened, specimen } from '../../test/helpers/networks.ts';
import { defaultSites } from './default-site.ts';
import { sitesOf } from './sites.ts';

async function chosen(model: Model): Promise<{ names: string[]; reason: string }> {
  const { classifier, sites } = await opened(model);
  const { sites: found, reason } = defaultSites(classifier.traced, sites, classifier.scores);
  return { names: found.map(({ name }) => name), reason };
}

const defaultOf = async (model: Model) => (await chosen(model)).names;

const first = (n: Net, x: string, to = 4) =>
  relu(n, conv(n, x, 'conv1', { from: 2, to, kernel: 3, pad: 1 }), 'relu1');
const head = (n: Net, x: string, units: number) =>
  linear(n, flatten(n, x), 'fc', units * 36, CLASSES);

describe('the default site is the last convolutional one that every path leads through', () => {
  test('so not the one that others lead around, as the fourth of DeepID', async () => {
    const { names, reason } = await chosen(specimen('DeepID: a way round the site').model);
    expect(names).toEqual(['relu1']);
    expect(reason).toContain('other paths lead around "site"');
  });

  test('so not one inside a residual branch, but the activation after the sum', async () => {
    const model = (after: boolean) =>
      built(1, (n, x) => {
        const r1 = first(n, x);
        const inner = relu(n, conv(n, r1, 'a', { from: 4, to: 8, kernel: 3, pad: 1 }), 'inner');
        const sum = n.b.op('Add', [conv(n, inner, 'b', { from: 8, to: 4, kernel: 1 }), r1]);
        return head(n, after ? relu(n, sum, 'after') : sum, 4);
      });
    expect(await defaultOf(model(true))).toEqual(['after']);
    expect(await defaultOf(model(false))).toEqual(['relu1']);
  });

  test('and several, where they lie side by side and every path leads through one of them', async () => {
    const model = (after: boolean) =>
      built(2, (n, x) => {
        const r1 = first(n, x);
        const main = relu(n, conv(n, r1, 'a', { from: 4, to: 8, kernel: 3, pad: 1 }), 'main');
        const side = relu(n, conv(n, r1, 'zz', { from: 4, to: 2, kernel: 1 }), 'side');
        const both = n.b.op('Concat', [main, side], { axis: 1 });
        if (!after) return head(n, both, 10);
        return head(n, relu(n, conv(n, both, 'c', { from: 10, to: 4, kernel: 1 }), 'after'), 4);
      });
    const { names, reason } = await chosen(model(false));
    expect(names).toEqual(['main', 'side']);
    expect(reason).toContain('one of these last convolutional sites, which lie side by side');
    expect(await defaultOf(model(true))).toEqual(['after']);
  });

  test('or the last ones, where none is on every path', async () => {
    const model = built(3, (n, x) => {
      const a = relu(n, conv(n, x, 'a', { from: 2, to: 3, kernel: 1 }), 'a.relu');
      const b = relu(n, conv(n, a, 'b', { from: 3, to: 2, kernel: 1 }), 'b.relu');
      return head(n, n.b.op('Add', [b, x]), 2);
    });
    const { names, reason } = await chosen(model);
    expect(names).toEqual(['b.relu']);
    expect(reason).toContain('there is none through which every path');
  });

  test('a gate of squeeze and excitation is beside the path, from wherever it is made', async () => {
    const model = built(10, (n, x) => {
      const before = first(n, x);
      const r = relu(n, conv(n, before, 'conv2', { from: 4, to: 4, kernel: 1 }), 'relu2');
      const pooled = n.b.op('GlobalAveragePool', [before]);
      const squeezed = relu(
        n,
        conv(n, pooled, 'squeeze', { from: 4, to: 8, kernel: 1 }),
        'squeezed',
      );
      const gate = n.b.op('Sigmoid', [conv(n, squeezed, 'excite', { from: 8, to: 4, kernel: 1 })]);
      return head(n, n.b.op('Mul', [gate, r]), 4);
    });
    expect(await defaultOf(model)).toEqual(['relu2']);
  });

  test('a shape that is computed from the input is no path', async () => {
    const model = built(11, (n, x) => {
      const r1 = first(n, x);
      const rows = n.b.op('Gather', [n.b.op('Shape', [x]), n.b.ints([0])], { axis: 0 });
      const shape = n.b.op('Concat', [rows, n.b.ints([144])], { axis: 0 });
      return linear(n, n.b.op('Reshape', [r1, shape]), 'fc', 144, CLASSES);
    });
    expect(await defaultOf(model)).toEqual(['relu1']);
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
    expect(await defaultOf(model)).toEqual(['relu1']);
  });

  test('or the last fully connected one, where there is no other', async () => {
    const model = built(4, (n, x) => {
      const r1 = relu(n, linear(n, flatten(n, x), 'fc1', 72, 8), 'relu1');
      return linear(n, relu(n, linear(n, r1, 'fc2', 8, 6), 'relu2'), 'fc3', 6, CLASSES);
    });
    expect(await defaultOf(model)).toEqual(['relu2']);
  });

  test('and an error without any site', async () => {
    const { classifier } = await opened(specimen('Conv with bias').model);
    expect(() => defaultSites(classifier.traced, [], classifier.scores)).toThrow(
      expect.objectContaining({ code: 'channels/no-site' }),
    );
  });
});

test.each([
  ['digits', digitNetwork(1), [1, 28, 28], 10, ['relu1', 'relu2', 'relu3'], 'relu2', 32],
  [
    'DeepID',
    deepIdNetwork(1, 4),
    [3, 55, 47],
    4,
    ['relu1', 'relu2', 'relu3', 'relu4', 'relu5'],
    'relu3',
    60,
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
    const { traced, scores } = await openClassifier(await testRuntime(), model, data);
    const sites = sitesOf(traced, scores);
    expect(sites.map((site) => site.name)).toEqual(all);
    expect(defaultSites(traced, sites, scores).sites).toMatchObject([{ name: last, units }]);
  },
);
