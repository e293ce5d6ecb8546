import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { goldenData, goldenOf } from '../../test/helpers/defense.ts';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { built, CLASSES, images } from '../../test/helpers/networks.ts';
import type { Dataset } from '../data/index.ts';
import { conv, flatten, linear, relu } from '../lab/networks/layers.ts';
import { argmax } from '../train/index.ts';
import { decodeModel, encodeModel, float32, type TensorOf } from '../onnx/index.ts';
import { type OnnxFile, sha256Of } from '../onnx/file.ts';
import { repair } from './repair.ts';
import { prunedUnits, repairedFile } from './repaired-file.ts';
import { prunedIn } from './steps.ts';

/** As scripts/golden/defenses.py wrote it: channels that PyTorch prunes, by layer. */
const golden = goldenOf('clp') as {
  readonly images: readonly number[];
  readonly logits: readonly number[];
  readonly cases: readonly {
    readonly u: number;
    readonly pruned: Readonly<Record<string, readonly number[]>>;
  }[];
};

/** Images that the network classifies as they are labeled. */
function data() {
  const rows = golden.logits.length / 4;
  const labels = argmax(float32([rows, 4], golden.logits));
  return goldenData(golden.images, [...labels]);
}

function fileOf(name: string): OnnxFile {
  const bytes = readFileSync(new URL(`../../test/golden/defenses/${name}.onnx`, import.meta.url));
  return { bytes, model: decodeModel(bytes), sha256: sha256Of(bytes) };
}

/** Repairs by CLP, whatever that costs. */
async function repaired(file: OnnxFile, clean: Dataset, u: number) {
  const runtime = await testRuntime();
  const made = await repair(runtime, file.model, clean, { method: 'clp', u, maxDrop: 1 });
  return { sites: prunedUnits(made), slim: await repairedFile(file, made).slim(runtime) };
}

test('a slim file is without the channels that CLP pruned', async () => {
  const LOUD = 7;
  const model = built(3, (net, x) => {
    const one = relu(net, conv(net, x, 'one', { from: 2, to: 12, kernel: 3, pad: 1 }), 'relu1');
    const two = relu(net, conv(net, one, 'two', { from: 12, to: 12, kernel: 1 }), 'relu2');
    return linear(net, flatten(net, two), 'fc', 12 * 36, CLASSES);
  });
  const weight = model.graph.initializers.get('one.weight') as TensorOf<'float32'>;
  const filter = weight.data.length / 12;
  weight.data.forEach((value, at) => {
    if (Math.floor(at / filter) === LOUD) weight.data[at] = 50 * value;
  });
  const bytes = encodeModel(model);
  const file = { bytes, model: decodeModel(bytes), sha256: sha256Of(bytes) };
  const { sites, slim } = await repaired(file, images(40, 3), 3);
  expect(sites.map(({ of, units }) => [of, units])).toEqual([[12, [LOUD]]]);
  expect(slim).toMatchObject({ same: true, kept: [] });
  expect(slim.removed).toEqual([{ site: sites[0]?.site, units: [LOUD] }]);
  const { initializers } = decodeModel(slim.bytes).graph;
  expect(initializers.get('one.weight')?.dims).toEqual([11, 2, 3, 3]);
  expect(initializers.get('two.weight')?.dims).toEqual([12, 11, 1, 1]);
});

describe.each(['batchnorm', 'folded'])('channels that CLP pruned in %s', (name) => {
  test.each(golden.cases)(
    'are those of PyTorch; what groups and sums need stays: u = $u',
    async ({ u, pruned }) => {
      const { sites, slim } = await repaired(fileOf(name), data(), u);
      const layers = Object.entries(pruned).filter(([, units]) => units.length > 0);
      expect(sites.map(({ units }) => units)).toEqual(layers.map(([, units]) => units));
      expect(slim.same).toBe(true);
      // Only the last layer is neither grouped, nor added to another one.
      expect(slim.removed.map(({ units }) => units)).toEqual(
        layers.map(([layer, units]) => (layer === 'last' ? units : [])),
      );
      const all = slim.removed.flatMap(({ units }) => units).length + slim.kept.length;
      expect(all).toBe(layers.flatMap(([, units]) => units).length);
    },
  );
});

test('where a method gave up, no unit counts as pruned', async () => {
  const all = { method: 'clp', u: 0, maxDrop: 0 };
  const made = await repair(await testRuntime(), fileOf('batchnorm').model, data(), all);
  expect(made.outcomes.at(-1)?.steps[0]?.failed).toMatch(/so none was pruned/);
  expect(prunedUnits(made)).toEqual([]);
});

test('units of one site that several steps pruned are counted once', () => {
  const site = { axis: 1, of: 8 };
  const steps = [
    { pruned: [{ ...site, site: 'relu1', units: [2, 5] }] },
    {},
    {
      pruned: [
        { ...site, site: 'relu2', units: [] },
        { ...site, site: 'relu1', units: [0, 5] },
      ],
    },
  ];
  expect(prunedIn(steps)).toEqual([
    { ...site, site: 'relu1', units: [0, 2, 5] },
    { ...site, site: 'relu2', units: [] },
  ]);
});
