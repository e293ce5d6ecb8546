import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { conv, flatten, linear, relu } from '../lab/networks/layers.ts';
import { encodeModel, decodeModel, float, float32, type Model } from '../onnx/index.ts';
import { sha256Of } from '../onnx/file.ts';
import { built, CLASSES, draw, images, opened, specimen } from '../../test/helpers/networks.ts';
import { inspect, prune } from '../defense/index.ts';
import { inactiveUnits, unreachable } from './inactive-units.ts';

const data = images(40, 4);

/** The model with some elements of a parameter changed. */
function changed(model: Model, parameter: string, change: Readonly<Record<number, number>>): Model {
  const { graph } = model;
  const tensor = graph.initializers.get(parameter);
  if (tensor?.type !== 'float32') throw new Error(`no parameter "${parameter}"`);
  const values = tensor.data.map((value, index) => change[index] ?? value);
  const initializers = new Map(graph.initializers).set(parameter, float32(tensor.dims, values));
  return { ...model, graph: { ...graph, initializers } };
}

async function pruned(model: Model) {
  const { classifier, site } = await opened(model, 'site');
  return prune(await testRuntime(), classifier, site, data, { maxDrop: 0.1 });
}

test('units are dead, dormant or neither by what they do', () => {
  const zeros = Float64Array.of(0, 0, 0, 0, 0);
  const units = {
    mean: zeros,
    'mean-absolute': Float64Array.of(0, 2, 0.019, 0.021, 3),
    max: Float64Array.of(0, 5, 4, 4, 6),
    min: zeros,
    'active-share': zeros,
    std: zeros,
  };
  // The median of those alive, 0.019, 0.021, 2 and 3, is 2.
  expect(inactiveUnits(units)).toEqual({ dead: [0], dormant: [2], possibleDecoys: [] });
  const constant = {
    ...units,
    max: Float64Array.of(-3, 5, 4, 4, 6),
    min: Float64Array.of(-3, 0, 0, 0, 0),
  };
  expect(inactiveUnits(constant).dead).toEqual([0]);
});

describe('a bias of -1e20', () => {
  const leaky = built(3, (n, x) => {
    const c = conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3, pad: 1 });
    const site = n.b.op('LeakyRelu', [c], { alpha: float(0.01) }, 'site');
    return linear(n, flatten(n, site), 'fc', 144, CLASSES);
  });
  const cases: readonly [string, Model, string][] = [
    ['of a Conv', specimen('Conv with bias').model, 'conv1.bias'],
    [
      'as the shift of BatchNormalization',
      specimen('Conv and BatchNormalization').model,
      'bn.shift',
    ],
    ['of a Gemm', specimen('Gemm, transposed').model, 'fc1.bias'],
    ['added after a MatMul', specimen('MatMul and a bias added').model, 'fc1.bias'],
    ['before a leak', leaky, 'conv1.bias'],
  ];

  test.each(cases)(
    '%s is a real input: numbers stay numbers, and it is called out',
    async (_, model, parameter) => {
      const { statistics, inactive, profile, curve } = await pruned(
        changed(model, parameter, { 1: -1e20, 3: -1e20 }),
      );
      for (const values of Object.values(statistics) as Float64Array[]) {
        expect(values.every(Number.isFinite)).toBe(true);
      }
      expect(inactive.possibleDecoys).toEqual([1, 3]);
      expect(inactive.dead).toEqual(expect.arrayContaining([1, 3]));
      for (const unit of [1, 3]) expect(profile[unit]).toBe(Math.min(...profile));
      // With a leak, -1e18 weighs on every score, and pruning it sets them right.
      expect(curve.length).toBeGreaterThan(2);
    },
  );

  test.each(cases)('%s is told without data', async (_, model, parameter) => {
    const bytes = encodeModel(changed(model, parameter, { 2: -1e20 }));
    const file = { bytes, model: decodeModel(bytes), sha256: sha256Of(bytes) };
    const found = await inspect(await testRuntime(), file);
    const site = found.sites.find(({ name }) => name === 'site');
    expect(site?.possibleDecoys).toEqual([2]);
    expect(found.warnings).toContainEqual(
      expect.stringMatching(/^1 of the \d units of "site" cannot activate/),
    );
  });
});

describe('a unit that can activate is no decoy', () => {
  test('where its bias is just within reach', async () => {
    const model = specimen('Gemm, transposed').model;
    const weights = model.graph.initializers.get('fc1.weight')?.data as Float32Array;
    const row = [...weights.subarray(72, 144)];
    const sample = new Float32Array(72 * data.length);
    await data.read([...Array(data.length).keys()], sample);
    // The most that the row can make of what each pixel has been over the data.
    const reach = row.reduce((sum, weight, pixel) => {
      const seen = Array.from({ length: data.length }, (_, i) => sample[72 * i + pixel] as number);
      return sum + Math.max(weight * Math.min(...seen), weight * Math.max(...seen));
    }, 0);
    const decoys = async (bias: number) =>
      (await pruned(changed(model, 'fc1.bias', { 1: bias }))).inactive.possibleDecoys;
    expect(await decoys(-reach * 1.001)).toEqual([1]);
    expect(await decoys(-reach * 0.999)).toEqual([]);
  });

  test('nor is any of an ordinary network', async () => {
    for (const name of [
      'Conv and BatchNormalization',
      'DeepID: two layers read one pool',
      'Relu6',
    ]) {
      const { classifier, site } = await opened(specimen(name).model, 'site');
      expect(unreachable(classifier.traced, site)).toEqual([]);
    }
  });

  test('where nothing can be told: behind a normalization of its own values', async () => {
    const model = built(4, (n, x) => {
      const c = conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3, pad: 1 });
      const scale = n.b.initializer('scale', draw(n, [4]));
      const shift = n.b.initializer('shift', float32([4], [-1e20, 0, 0, 0]));
      const normed = n.b.op('InstanceNormalization', [c, scale, shift]);
      return linear(n, flatten(n, relu(n, normed, 'site')), 'fc', 144, CLASSES);
    });
    const { classifier, site } = await opened(model, 'site');
    expect(unreachable(classifier.traced, site)).toEqual([]);
  });
});
