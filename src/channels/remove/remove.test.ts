import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { conv, flatten, linear, relu } from '../../lab/networks/layers.ts';
import { decodeModel, encodeModel, type Model } from '../../onnx/index.ts';
import { sha256Of } from '../../onnx/file.ts';
import { exportModel, insertedInFile, mergeEdits, NO_EDITS } from '../../network/index.ts';
import {
  built,
  CLASSES,
  images,
  opened,
  specimen,
  specimens,
} from '../../../test/helpers/networks.ts';
import type { Fold } from '../fold.ts';
import { applyMask } from '../mask.ts';
import { siteNamed } from '../sites.ts';
import { slim, SLIM_TOLERANCE } from './remove.ts';

const data = images(20, 3);

/** Prunes units of sites, writes the file, and makes that slim. */
async function slimmed(
  model: Model,
  pruned: Readonly<Record<string, number[]>>,
  into?: Fold['into'],
) {
  const bytes = encodeModel(model);
  const file = { bytes, model: decodeModel(bytes), sha256: sha256Of(bytes) };
  const { classifier, sites } = await opened(file.model);
  const chosen = Object.entries(pruned).map(([name, units]) => ({
    site: siteNamed(sites, name),
    pruned: units,
  }));
  const runtime = await testRuntime();
  let current = classifier;
  let edits = NO_EDITS;
  for (const { site, pruned } of chosen) {
    const applied = applyMask(current, site, pruned, into);
    current = await current.withGraph(runtime, applied.graph, data);
    edits = mergeEdits(edits, applied.edits);
  }
  const repaired = decodeModel(exportModel(file, current.graph, edits, {}));
  const masks = insertedInFile(file.model.graph, edits);
  const made = await slim(runtime, repaired, chosen, data, { masks });
  return { ...made, repaired, model: decodeModel(made.bytes) };
}

const ops = (model: Model) => model.graph.nodes.map(({ op }) => op);
const sizes = (model: Model) =>
  Object.fromEntries([...model.graph.initializers].map(([name, { dims }]) => [name, dims]));

/** Specimens of which not every unit that is pruned can be removed, and why. */
const STAY: Readonly<Record<string, readonly [removed: number, why: RegExp]>> = {
  'depthwise Conv': [0, /a group of Conv makes several units/],
  'grouped Conv': [2, /"grouped" has 2 groups, which must stay equally large/],
  'a residual read by a layer and a sum': [
    0,
    /the Gemm node "fc" reads "flatten", which is not zero there/,
  ],
  'a residual sum that a layer makes of what it is added to': [0, /"conv2" reads "relu1"/],
  'one Conv weight for two layers': [0, /"conv1.weight" is used elsewhere too/],
  'depthwise Conv with bias': [0, /the Conv node "conv2" reads "deep", which is not zero there/],
  'residual Add after a sigmoid': [
    0,
    /the Gemm node "fc" reads "flatten", which is not zero there/,
  ],
  'channels shuffled': [0, /Reshape mixes the channel axis/],
};

describe.each(specimens)('$name', ({ name, model, site: siteName }) => {
  test('is the same without its pruned units, or says why they stay', async () => {
    const { site } = await opened(model, siteName);
    const pruned = [...Array(site.units).keys()].filter((unit) => unit % 2 === 1);
    const { same, difference, removed, kept, bytes, repaired } = await slimmed(model, {
      [siteName]: pruned,
    });
    expect(difference).toBeLessThanOrEqual(SLIM_TOLERANCE);
    expect(same).toBe(true);
    const gone = removed[0]?.units ?? [];
    const [count, why] = STAY[name] ?? [pruned.length, /never/];
    expect(gone).toHaveLength(count);
    for (const unit of kept) expect(unit.why).toMatch(why);
    expect([...gone, ...kept.map(({ unit }) => unit)].toSorted((a, b) => a - b)).toEqual(pruned);
    if (count > 0) expect(bytes.length).toBeLessThan(encodeModel(repaired).length);
  });
});

test('tensors lose the places of the units, whichever layer has them', async () => {
  const { model, repaired } = await slimmed(specimen('DeepID: two layers read one pool').model, {
    relu2: [0, 4],
    site: [2],
  });
  expect(sizes(repaired)['fc1.weight']).toEqual([6, 36]);
  // Of 4 and 5 units of 3 x 3 and 2 x 2 places 1 and 2 are gone.
  expect(sizes(model)).toEqual({
    'conv1.weight': [3, 2, 3, 3],
    'conv1.bias': [3],
    'conv2.weight': [3, 3, 2, 2],
    'conv2.bias': [3],
    'fc1.weight': [6, 27],
    'fc1.bias': [6],
    'fc2.weight': [6, 12],
    'fc2.bias': [6],
    'fc3.weight': [3, 6],
    'fc3.bias': [3],
  });
});

test('squeeze and excitation loses the units in both of its layers, and their gate', async () => {
  const model = built(4, (n, x) => {
    const s = n.b.op('HardSwish', [conv(n, x, 'conv1', { from: 2, to: 6, kernel: 3 })], {}, 'site');
    const pooled = n.b.op('GlobalAveragePool', [s]);
    const squeezed = relu(n, conv(n, pooled, 'squeeze', { from: 6, to: 2, kernel: 1 }), 'relu1');
    const excited = conv(n, squeezed, 'excite', { from: 2, to: 6, kernel: 1 });
    const gated = n.b.op('Mul', [n.b.op('HardSigmoid', [excited]), s]);
    return linear(n, flatten(n, gated), 'fc', 96, CLASSES);
  });
  const { model: after, same, kept } = await slimmed(model, { site: [1, 2] });
  expect({ same, kept }).toEqual({ same: true, kept: [] });
  expect(sizes(after)).toMatchObject({
    'squeeze.weight': [2, 4, 1, 1],
    'excite.weight': [4, 2, 1, 1],
    'excite.bias': [4],
    'fc.weight': [CLASSES, 64],
  });
});

test('a depthwise layer between has as many groups as units', async () => {
  const model = built(5, (n, x) => {
    const c = relu(n, conv(n, x, 'conv1', { from: 2, to: 6, kernel: 3 }), 'relu1');
    const d = conv(n, c, 'deep', { from: 6, to: 6, kernel: 3, group: 6 });
    return linear(n, flatten(n, relu(n, d, 'site')), 'fc', 24, CLASSES);
  });
  const { model: after, same, removed } = await slimmed(model, { site: [0, 5] });
  expect({ same, removed }).toEqual({ same: true, removed: [{ site: 'site', units: [0, 5] }] });
  expect(sizes(after)).toMatchObject({ 'conv1.weight': [4, 2, 3, 3], 'deep.weight': [4, 1, 3, 3] });
  expect(after.graph.nodes.find(({ name }) => name === 'deep')?.attributes['group']).toBe(4);
});

test('a mask that was put in goes with the last of its units', async () => {
  const { model } = specimen('Conv with bias');
  const { repaired, model: after } = await slimmed(model, { site: [1, 3] }, 'mul');
  expect(ops(repaired)).toEqual(['Conv', 'Relu', 'Constant', 'Mul', 'Flatten', 'Gemm']);
  expect(ops(after)).toEqual(['Conv', 'Relu', 'Flatten', 'Gemm']);
});

test('so does one in a network that has values of the names that masks have', async () => {
  const names = ['site.unmasked', 'site.mask', 'site.masked'];
  const model = built(7, (n, x) => {
    const named = names.reduce((at, name) => n.b.op('Tanh', [at], {}, name), x);
    const s = relu(n, conv(n, named, 'conv1', { from: 2, to: 4, kernel: 3 }), 'site');
    return linear(n, flatten(n, s), 'fc', 64, CLASSES);
  });
  const { same, repaired, model: after } = await slimmed(model, { site: [1, 3] }, 'mul');
  expect(same).toBe(true);
  expect(ops(repaired).filter((op) => op === 'Mul')).toHaveLength(1);
  expect(ops(after)).toEqual(ops(model));
  expect(after.graph.nodes.flatMap(({ outputs }) => outputs)).toEqual(
    model.graph.nodes.flatMap(({ outputs }) => outputs),
  );
});

test('of two masks on one site, only one of which is used up, the other stays', async () => {
  const { model } = specimen('Conv with bias');
  const { classifier, site } = await opened(model, 'site');
  const runtime = await testRuntime();
  const first = applyMask(classifier, site, [1], 'mul');
  const between = await classifier.withGraph(runtime, first.graph, data);
  const second = applyMask(between, site, [3], 'mul');
  const edits = mergeEdits(first.edits, second.edits);
  const bytes = encodeModel(model);
  const file = { bytes, model: decodeModel(bytes), sha256: sha256Of(bytes) };
  const repaired = decodeModel(exportModel(file, second.graph, edits, {}));
  const masks = insertedInFile(file.model.graph, edits);
  for (const [pruned, muls] of [
    [[1], 1],
    [[3], 1],
    [[1, 3], 0],
  ] as const) {
    const made = await slim(runtime, repaired, [{ site, pruned }], data, { masks });
    expect(made.same).toBe(true);
    expect(ops(decodeModel(made.bytes)).filter((op) => op === 'Mul')).toHaveLength(muls);
  }
});

test('a shape that says how many channels there are is written anew, for its own node', async () => {
  const model = built(6, (n, x) => {
    const s = relu(n, conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3 }), 'site');
    const shape = n.b.ints([-1, 64]);
    const one = n.b.op('Reshape', [s, shape]);
    const other = n.b.op('Reshape', [conv(n, x, 'other', { from: 2, to: 4, kernel: 3 }), shape]);
    const heads = [linear(n, one, 'fc1', 64, CLASSES), linear(n, other, 'fc2', 64, CLASSES)];
    return n.b.op('Add', heads);
  });
  const { same, kept, model: after } = await slimmed(model, { site: [0] });
  expect({ same, kept }).toEqual({ same: true, kept: [] });
  expect(sizes(after)).toMatchObject({ 'fc1.weight': [CLASSES, 48], 'fc2.weight': [CLASSES, 64] });
});

test('the file keeps its opset and its type', async () => {
  const old = { ...specimen('Conv and BatchNormalization').model, opsets: new Map([['', 11]]) };
  const { model, same } = await slimmed(old, { site: [0] });
  expect(same).toBe(true);
  expect(model.opsets).toEqual(new Map([['', 11]]));
  expect(sizes(model)).toMatchObject({
    'bn.scale': [3],
    'bn.var': [3],
    'conv1.weight': [3, 2, 3, 3],
  });
});

test('a file that is not the same is told', async () => {
  // Nothing masks the unit here: what is removed was not zero.
  const { model } = specimen('Conv with bias');
  const { site } = await opened(model, 'site');
  const made = await slim(await testRuntime(), model, [{ site, pruned: [1] }], data);
  expect(made.same).toBe(false);
  expect(made.difference).toBeGreaterThan(0.01);
});
