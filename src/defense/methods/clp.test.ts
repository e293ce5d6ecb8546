import { describe, expect, test } from 'vitest';
import {
  contextFor,
  goldenData,
  goldenOf,
  openedGolden,
  untouched,
} from '../../../test/helpers/defense.ts';
import {
  apart,
  explicitlyMasked,
  images,
  opened,
  scoresOf,
  specimen,
  specimens,
} from '../../../test/helpers/networks.ts';
import { convolutionsOf, masked } from '../../channels/index.ts';
import { float32, type TensorOf } from '../../onnx/index.ts';
import { clp, clpSettings, lipschitzBounds, outliersOf, type PrunedChannelsStep } from './clp.ts';

/** As scripts/golden/defenses.py wrote it. */
const golden = goldenOf('clp') as {
  readonly images: readonly number[];
  readonly logits: readonly number[];
  readonly bounds: Readonly<Record<string, readonly number[]>>;
  readonly cases: readonly {
    readonly u: number;
    readonly pruned: Readonly<Record<string, readonly number[]>>;
    readonly logits: readonly number[];
  }[];
};
const data = goldenData(golden.images);

async function run(name: string, u: number, maxDrop = 1) {
  const from = await openedGolden(name, data);
  const context = await contextFor(from.network, data, { maxDrop });
  const result = await clp.run(context, from, { u });
  return { from, result, step: result.steps.at(-1) as PrunedChannelsStep };
}

describe.each(['batchnorm', 'folded'])('%s, as PyTorch has it', (name) => {
  test.each(golden.cases)('u = $u', async ({ u, pruned, logits }) => {
    const { from, result, step } = await run(name, u);
    expect(
      apart(await scoresOf(from.network, from.network.graph, data), golden.logits),
    ).toBeLessThan(1e-5);
    const { layers } = step.data;
    expect(layers).toHaveLength(4);
    for (const [index, [layer, bounds]] of Object.entries(golden.bounds).entries()) {
      const own = layers[index] as (typeof layers)[number];
      expect(own.layer).toContain(layer);
      expect(apart(own.bounds, bounds) / Math.max(...bounds)).toBeLessThan(1e-6);
      expect(own.outliers).toEqual(pruned[layer]);
    }
    expect(apart(await scoresOf(result.network, result.network.graph, data), logits)).toBeLessThan(
      1e-5,
    );
    const count = Object.values(pruned).flat().length;
    expect(step.summary).toBe(
      `pruned ${count} of 50 channels, those with an outlying Lipschitz bound`,
    );
    expect(step.failed).toBeUndefined();
  });
});

test('pruned channels are held at zero: scale, shift and bias, or weights and bias', async () => {
  for (const [name, held] of [
    ['batchnorm', ['stem_norm.weight', 'stem_norm.bias']],
    ['folded', ['stem.weight', 'stem.bias']],
  ] as const) {
    const { from, result } = await run(name, 3);
    for (const parameter of held) {
      const mask = result.masks.get(parameter) as TensorOf<'float32'>;
      const given = from.network.graph.initializers.get(parameter) as TensorOf<'float32'>;
      const zeros = [...mask.data.entries()].filter(([, value]) => value === 0);
      expect(zeros.map(([unit]) => unit)).toEqual([5]);
      expect(result.network.graph.initializers.get(parameter)).toEqual(masked(given, mask));
    }
    expect(new Set(result.masks.keys())).toEqual(result.edits.weights);
    expect(result.edits.insertions).toEqual([]);
  }
});

test('where no channel is an outlier, nothing changes, and that is said', async () => {
  const { from, result, step } = await run('batchnorm', 4);
  expect(result.network).toBe(from.network);
  expect(result.masks).toBe(from.masks);
  expect(step.failed).toMatch(/^no channel/);
});

test('where accuracy falls further than allowed, nothing changes, and that is said', async () => {
  const from = await openedGolden('batchnorm', data);
  const scores = [
    { hits: 9, of: 10 },
    { hits: 7, of: 10 },
  ].map(({ hits, of }) => ({ rate: hits / of, hits, of, low: 0, high: 1 }));
  const context = await contextFor(from.network, data, {
    score: (graph) =>
      Promise.resolve(scores[graph === from.network.graph ? 0 : 1] as (typeof scores)[number]),
  });
  const allowed = await clp.run({ ...context, maxDrop: 0.21 }, from, { u: 3 });
  expect(allowed.steps[0]?.failed).toBeUndefined();
  const refused = await clp.run({ ...context, maxDrop: 0.19 }, from, { u: 3 });
  expect(refused.network).toBe(from.network);
  expect(refused.steps[0]?.failed).toMatch(/20\.0 points lower/);
});

test('two channels by hand', () => {
  // Each reads two channels at two places.
  const weights = float32([2, 2, 1, 2], [3, 0, 0, 4, 1, 1, 1, 1]);
  const filters = { weights, units: 2, inputs: 2, places: 2 };
  expect([...lipschitzBounds({ filters, scales: Float64Array.of(1, 1) })]).toEqual([
    expect.closeTo(4, 9),
    expect.closeTo(2, 9),
  ]);
  // BatchNormalization multiplies by -1 and 5: bounds of 4 and 10, a mean of 7, a deviation of √18.
  const bounds = lipschitzBounds({ filters, scales: Float64Array.of(-1, 5) });
  expect([...bounds]).toEqual([expect.closeTo(4, 9), expect.closeTo(10, 9)]);
  const half = outliersOf(bounds, 0.5);
  expect(half.threshold).toBeCloseTo(7 + 0.5 * Math.sqrt(18), 9);
  expect(half.outliers).toEqual([1]);
  expect(outliersOf(bounds, 1).outliers).toEqual([]);
});

test.each(specimens.map(({ name }) => name))(
  'outliers are as if a mask came after each convolution: %s',
  async (name) => {
    const { classifier } = await opened(specimen(name).model);
    const dataset = images(16);
    const convolutions = convolutionsOf(classifier.traced, classifier.scores);
    const context = await contextFor(classifier, dataset);
    // So low that about half of the channels are outliers.
    const result = await clp.run(context, untouched(classifier), { u: 0 });
    const step = result.steps[0] as PrunedChannelsStep;
    let expected = classifier.graph;
    for (const [index, { filters, site, scales }] of convolutions.entries()) {
      const { outliers } = outliersOf(lipschitzBounds({ filters, scales }), 0);
      expect(step.data.layers[index]?.outliers).toEqual(outliers);
      expected = explicitlyMasked(expected, site, outliers);
    }
    const scores = await scoresOf(classifier, result.network.graph, dataset);
    expect(apart(scores, await scoresOf(classifier, expected, dataset))).toBeLessThan(1e-5);
    const put = result.network.graph.nodes.length - classifier.graph.nodes.length;
    expect(result.edits.insertions).toHaveLength(put);
  },
);

test('settings are strict, and have the default of the paper', () => {
  expect(clpSettings.parse({})).toEqual({ u: 3 });
  expect(clpSettings.safeParse({ u: -1 }).success).toBe(false);
  expect(clpSettings.safeParse({ U: 3 }).success).toBe(false);
});
