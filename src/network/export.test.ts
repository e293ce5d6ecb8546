import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { split } from '../data/index.ts';
import { fromFloat32, subgraph, toFloat32 } from '../graph/index.ts';
import {
  decodeModel,
  encodeModel,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type TensorOf,
} from '../onnx/index.ts';
import { type OnnxFile, sha256Of } from '../onnx/file.ts';
import { argmax } from '../train/index.ts';
import { mergeEdits, weightEdits } from './edits.ts';
import { exportModel } from './export.ts';
import { applyMask } from '../channels/index.ts';
import { fineTune } from '../defense/index.ts';
import { conv, flatten, linear } from '../lab/networks/layers.ts';
import {
  apart,
  built,
  CLASSES,
  explicitlyMasked,
  images,
  opened,
  scoresOf,
  specimen,
} from '../../test/helpers/networks.ts';

const data = split(images(60, 13), { tune: 0.5, holdout: 0.5 }, 1);

const fileOf = (model: Model): OnnxFile => {
  const bytes = encodeModel(model);
  return { bytes, model: decodeModel(bytes), sha256: sha256Of(bytes) };
};

/** Prunes and fine-tunes what is in a file, and writes it back. */
async function repaired(file: OnnxFile, pruned = [1]) {
  const { classifier, site } = await opened(file.model, 'site');
  const { graph, masks, fold, edits: pruning } = applyMask(classifier, site, pruned);
  const tuned = await fineTune(await testRuntime(), classifier, graph, masks, data, {
    epochs: 1,
    batchSize: 15,
    rate: 0.05,
    optimizer: { kind: 'sgd' },
    seed: 1,
  });
  const edits = mergeEdits(pruning, weightEdits(classifier.parameters));
  const bytes = exportModel(file, tuned.graph, edits, { 'fineprune.seed': '1' });
  return { classifier, fold, edits, graph: tuned.graph, bytes, model: decodeModel(bytes) };
}

/** The scores that ONNX Runtime gives for a file's bytes, whatever type it works in. */
async function run(bytes: Uint8Array, type: 'float32' | 'float16' = 'float32') {
  const session = await (await testRuntime()).open(bytes);
  const x = new Float32Array(data.holdout.length * 72);
  await data.holdout.read([...Array(data.holdout.length).keys()], x);
  const image = fromFloat32(
    { type: 'float32', dims: [data.holdout.length, 2, 6, 6], data: x },
    type,
  );
  try {
    const { data: scores } = Object.values(await session.run({ image }))[0] as Tensor;
    return scores;
  } finally {
    await session.dispose();
  }
}

const withGraph = (model: Model, change: (graph: Graph) => Graph): Model => ({
  ...model,
  graph: change(model.graph),
});

/** The same network in half precision, inputs and outputs too. */
const inHalf = (graph: Graph): Graph => ({
  ...graph,
  inputs: graph.inputs.map((info) => ({ ...info, type: 'float16' })),
  outputs: graph.outputs.map((info) => ({ ...info, type: 'float16' })),
  initializers: new Map(
    [...graph.initializers].map(([name, tensor]) => [
      name,
      tensor.type === 'float32' ? fromFloat32(tensor, 'float16') : tensor,
    ]),
  ),
});

/** The same network with its weights in Constant nodes, as some exporters write them. */
const inConstants = (graph: Graph): Graph => {
  const constants = [...graph.initializers].map(([name, value]): Node => ({
    op: 'Constant',
    domain: '',
    name: `make ${name}`,
    inputs: [],
    outputs: [name],
    attributes: { value },
  }));
  return { ...graph, nodes: [...constants, ...graph.nodes], initializers: new Map() };
};

/** Where `part` lies in `whole`. */
function find(whole: Uint8Array, part: Uint8Array): number {
  return Buffer.from(whole.buffer, whole.byteOffset, whole.length).indexOf(part);
}

const bytesOf = ({ data }: TensorOf<'float32'>) =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

describe.each([
  'Conv and BatchNormalization',
  'DeepID: two layers read one pool',
  'Flatten: a unit becomes columns',
])('a mask that folds: %s', (name) => {
  test('leaves every byte but changed weights and metadata', async () => {
    const file = fileOf(specimen(name).model);
    const { bytes, model, graph } = await repaired(file);
    const expected = file.bytes.slice();
    let changed = 0;
    for (const [parameter, tensor] of file.model.graph.initializers) {
      const after = graph.initializers.get(parameter);
      if (tensor.type !== 'float32' || after?.type !== 'float32') continue;
      if (apart(tensor.data, after.data) === 0) continue;
      expected.set(bytesOf(after), find(file.bytes, bytesOf(tensor)));
      changed += 1;
    }
    expect(changed).toBeGreaterThan(1);
    expect(Buffer.compare(bytes.subarray(0, expected.length), expected)).toBe(0);
    // What follows is the metadata: without the entry, the file ends where it ended.
    expect(bytes.length - expected.length).toBeLessThan(40);
    expect(model.metadata).toEqual(new Map([...file.model.metadata, ['fineprune.seed', '1']]));
    expect(model.graph.nodes).toEqual(file.model.graph.nodes);
  });

  test('runs as the working graph does', async () => {
    const file = fileOf(specimen(name).model);
    const { classifier, bytes, graph } = await repaired(file);
    const due = await scoresOf(classifier, graph, data.holdout);
    expect(apart((await run(bytes)) as Float32Array, due)).toBeLessThan(1e-6);
    expect(apart((await run(file.bytes)) as Float32Array, due)).toBeGreaterThan(1e-3);
  });
});

test('unchanged weights give the file back', async () => {
  const file = fileOf(specimen('Conv with bias').model);
  const { classifier } = await opened(file.model);
  const all = weightEdits(classifier.graph.initializers.keys());
  expect(Buffer.compare(exportModel(file, classifier.graph, all, {}), file.bytes)).toBe(0);
});

test('an edited weight that the file or the working graph lacks is refused', () => {
  const file = fileOf(specimen('Conv with bias').model);
  const { graph } = file.model;
  const [name = '', weight] = [...graph.initializers][0] ?? [];
  const [more, fewer] = [new Map(graph.initializers), new Map(graph.initializers)];
  more.set('adapter', weight as Tensor);
  fewer.delete(name);
  const refused = (initializers: Graph['initializers'], edited: string) => () =>
    exportModel(file, { ...graph, initializers }, weightEdits([edited]), {});
  expect(refused(more, 'adapter')).toThrow(
    expect.objectContaining({
      code: 'network/no-weight',
      message: expect.stringContaining('"adapter"') as unknown,
    }),
  );
  expect(refused(fewer, name)).toThrow(expect.objectContaining({ code: 'network/no-weight' }));
});

test('half precision stays half precision', async () => {
  const file = fileOf(withGraph(specimen('Conv with bias').model, inHalf));
  const { classifier, bytes, model, graph, edits } = await repaired(file);
  for (const [name, tensor] of file.model.graph.initializers) {
    expect(model.graph.initializers.get(name)).toMatchObject({ type: tensor.type });
  }
  expect(model.graph.inputs).toEqual(file.model.graph.inputs);
  expect(bytes.length - file.bytes.length).toBeLessThan(40);
  const due = await scoresOf(classifier, graph, data.holdout);
  const got = (await run(bytes, 'float16')) as Uint16Array;
  const dims = [data.holdout.length, CLASSES];
  const again = exportModel(file, graph, edits, {});
  expect(decodeModel(again).graph.initializers).toEqual(model.graph.initializers);
  const scores = toFloat32({ type: 'float16', dims, data: got }) as TensorOf<'float32'>;
  expect(apart(scores.data, due)).toBeLessThan(5e-3);
});

test('weights in Constant nodes are written there, and the opset stays', async () => {
  const { model } = specimen('Conv with bias');
  const old = { ...withGraph(model, inConstants), opsets: new Map([['', 11]]), irVersion: 6 };
  const file = fileOf(old);
  const { classifier, bytes, graph, model: after } = await repaired(file);
  expect(after.opsets).toEqual(file.model.opsets);
  expect(after.graph.nodes.map(({ op }) => op)).toEqual(file.model.graph.nodes.map(({ op }) => op));
  expect(
    apart((await run(bytes)) as Float32Array, await scoresOf(classifier, graph, data.holdout)),
  ).toBeLessThan(1e-6);
});

/** The mask of a site comes as a Constant and a Mul after the node that made it, and nothing else. */
function expectMasked(before: Model, after: Model, type: Tensor['type']): void {
  const at = before.graph.nodes.findIndex(({ outputs }) => outputs.includes('site'));
  const nodes = [...after.graph.nodes];
  const [constant, mul] = nodes.splice(at + 1, 2) as [Node, Node];
  expect(constant).toMatchObject({ op: 'Constant', outputs: ['site.mask'] });
  expect((constant.attributes['value'] as Tensor).type).toBe(type);
  expect(mul).toMatchObject({
    op: 'Mul',
    inputs: ['site.unmasked', 'site.mask'],
    outputs: ['site'],
  });
  expect(nodes[at]?.outputs).toEqual(['site.unmasked']);
  expect(nodes.with(at, before.graph.nodes[at] as Node)).toEqual(before.graph.nodes);
  expect(after.opsets).toEqual(before.opsets);
  expect(after.graph.inputs).toEqual(before.graph.inputs);
  expect(after.graph.outputs).toEqual(before.graph.outputs);
}

describe.each(['residual Add after a sigmoid', 'grouped Conv that reads'])(
  'a mask that folds nowhere is put into the file: %s',
  (name) => {
    test('and the file gives what the working graph does', async () => {
      const file = fileOf(specimen(name).model);
      const { classifier, fold, bytes, graph, model } = await repaired(file, [0, 2]);
      expect(fold.into).toBe('mul');
      expectMasked(file.model, model, 'float32');
      expect(model.metadata.get('fineprune.seed')).toBe('1');
      const got = (await run(bytes)) as Float32Array;
      const due = await scoresOf(classifier, graph, data.holdout);
      expect(apart(got, due)).toBeLessThan(1e-6);
      const dims = [data.holdout.length, CLASSES];
      expect(argmax({ type: 'float32', dims, data: got })).toEqual(
        argmax({ type: 'float32', dims, data: due }),
      );
    });

    test.each([7, 11])('in its own opset %d, with weights as it has them', async (opset) => {
      const old = { ...specimen(name).model, opsets: new Map([['', opset]]), irVersion: 4 };
      const file = fileOf(withGraph(old, inConstants));
      const { classifier, bytes, graph, model } = await repaired(file, [0, 2]);
      expect(model.opsets.get('')).toBe(opset);
      expect(model.graph.nodes).toHaveLength(file.model.graph.nodes.length + 2);
      const due = await scoresOf(classifier, graph, data.holdout);
      expect(apart((await run(bytes)) as Float32Array, due)).toBeLessThan(1e-6);
    });

    test('in its own type', async () => {
      const file = fileOf(withGraph(specimen(name).model, inHalf));
      const { classifier, bytes, graph, model } = await repaired(file, [0, 2]);
      expectMasked(file.model, model, 'float16');
      const due = await scoresOf(classifier, graph, data.holdout);
      const scores = (await run(bytes, 'float16')) as Uint16Array;
      const dims = [data.holdout.length, CLASSES];
      const got = toFloat32({ type: 'float16', dims, data: scores }) as TensorOf<'float32'>;
      expect(apart(got.data, due)).toBeLessThan(2e-2);
    });
  },
);

describe.each([
  ['in float32', 'float32'],
  ['in float16', 'float16'],
] as const)('two masks on one value, one after another, %s', (_, type) => {
  test('are both in the file', async () => {
    const { model } = specimen('residual Add after a sigmoid');
    const file = fileOf(type === 'float16' ? withGraph(model, inHalf) : model);
    const { classifier, site } = await opened(file.model, 'site');
    const first = applyMask(classifier, site, [0], 'mul');
    const between = await classifier.withGraph(await testRuntime(), first.graph, data.tune);
    const second = applyMask(between, site, [2], 'mul');
    const edits = mergeEdits(first.edits, second.edits);
    const bytes = exportModel(file, second.graph, edits, {});
    const { nodes } = decodeModel(bytes).graph;
    expect(nodes).toHaveLength(file.model.graph.nodes.length + 4);
    const at = nodes.findIndex(({ outputs }) => outputs.includes('site'));
    expect(nodes.slice(at - 4, at + 1).map(({ op }) => op)).toEqual([
      'Sigmoid',
      'Constant',
      'Mul',
      'Constant',
      'Mul',
    ]);
    const due = await scoresOf(
      classifier,
      explicitlyMasked(classifier.graph, site, [0, 2]),
      data.holdout,
    );
    const dims = [data.holdout.length, CLASSES];
    const scores = { type, dims, data: await run(bytes, type) } as Tensor;
    const got = toFloat32(scores) as TensorOf<'float32'>;
    expect(apart(got.data, due)).toBeLessThan(type === 'float16' ? 2e-2 : 1e-6);
  });
});

test('a second mask may fold into the first', async () => {
  const file = fileOf(specimen('residual Add after a sigmoid').model);
  const { classifier, site } = await opened(file.model, 'site');
  const first = applyMask(classifier, site, [0], 'mul');
  const between = await classifier.withGraph(await testRuntime(), first.graph, data.tune);
  const second = applyMask(between, site, [2]);
  expect(second.fold.into).toBe('producer');
  const bytes = exportModel(file, second.graph, mergeEdits(first.edits, second.edits), {});
  expect(decodeModel(bytes).graph.nodes).toHaveLength(file.model.graph.nodes.length + 2);
  const due = explicitlyMasked(classifier.graph, site, [0, 2]);
  const scores = await scoresOf(classifier, due, data.holdout);
  expect(apart((await run(bytes)) as Float32Array, scores)).toBeLessThan(1e-6);
});

test('inserted values take names that the file does not use, where the scores do not need it', async () => {
  const { model } = specimen('residual Add after a sigmoid');
  // The working graph is cut off behind the scores, and does not have the second output.
  const file = fileOf(
    withGraph(model, (graph) => {
      const nodes = ['site.unmasked', 'site.mask', 'site.masked'].map((name): Node => {
        return { op: 'Neg', domain: '', name, inputs: ['site'], outputs: [name], attributes: {} };
      });
      const outputs = nodes.map(({ name }) => ({ name, type: 'float32' as const }));
      return {
        ...graph,
        nodes: [...graph.nodes, ...nodes],
        outputs: [...graph.outputs, ...outputs],
      };
    }),
  );
  const output = model.graph.outputs[0]?.name as string;
  const { graph, edits, site } = await masked(file, output, [1]);
  const bytes = exportModel(file, graph, edits, {});
  const scores = (await run(bytes)) as Float32Array;
  const { classifier } = await opened(model);
  const due = await scoresOf(
    classifier,
    explicitlyMasked(classifier.graph, site, [1]),
    data.holdout,
  );
  expect(apart(scores, due)).toBeLessThan(1e-6);
});

/** Masks a site of a network that is worked on without its other outputs. */
async function masked(file: OnnxFile, output: string, pruned: readonly number[]) {
  const { graph } = file.model;
  const alone = subgraph(
    graph,
    graph.inputs,
    graph.outputs.filter(({ name }) => name === output),
  );
  const { classifier, site } = await opened({ ...file.model, graph: alone }, 'site');
  return { site, ...applyMask(classifier, site, pruned, 'mul') };
}

test('who reads the site in the body of an If reads it masked, and no mask is folded past it', async () => {
  const model = built(5, (n, x) => {
    const site = n.b.op(
      'Sigmoid',
      [conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3 })],
      {},
      'site',
    );
    const yes = n.b.initializer('yes', { type: 'bool', dims: [], data: Uint8Array.of(1) });
    const branches = { then_branch: body('then', 'Neg'), else_branch: body('else', 'Identity') };
    const chosen = n.b.op('If', [yes], branches);
    return linear(n, flatten(n, n.b.op('Add', [site, chosen])), 'fc', 64, CLASSES);
  });
  // Every score is a constant, since the If takes from the site what the sum adds.
  const file = fileOf(model);
  const { classifier, site } = await opened(file.model, 'site');
  const { graph, fold, edits } = applyMask(classifier, site, [0, 2]);
  expect(fold.into).toBe('mul');
  const plain = await scoresOf(classifier, classifier.graph, data.holdout);
  expect(apart(await scoresOf(classifier, graph, data.holdout), plain)).toBeLessThan(1e-6);
  const bytes = exportModel(file, graph, edits, {});
  expect(apart((await run(bytes)) as Float32Array, plain)).toBeLessThan(1e-6);
});

/** The body of a branch that reads the site. */
function body(name: string, op: string): Graph {
  return {
    name,
    inputs: [],
    outputs: [{ name: `${name} result`, type: 'float32' }],
    nodes: [
      { op, domain: '', name, inputs: ['site'], outputs: [`${name} result`], attributes: {} },
    ],
    initializers: new Map(),
  };
}

test('a value that has the name a mask would give is left alone', async () => {
  const model = built(7, (n, x) => {
    const c = conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3 });
    const site = n.b.op('Sigmoid', [c], {}, 'site');
    const other = n.b.op('Neg', [site], {}, 'site.unmasked');
    const taken = n.b.op('Exp', [site], {}, 'site.mask');
    const sum = n.b.op('Sum', [site, other, other, taken]);
    return linear(n, flatten(n, sum), 'fc', 64, CLASSES);
  });
  const file = fileOf(model);
  const { classifier, site } = await opened(file.model, 'site');
  const once = applyMask(classifier, site, [0, 2], 'mul');
  const masked = { ...classifier, graph: once.graph };
  const twice = applyMask(masked, site, [1], 'mul');
  const edits = mergeEdits(once.edits, twice.edits);
  const due = await scoresOf(classifier, twice.graph, data.holdout);
  const bytes = exportModel(file, twice.graph, edits, {});
  expect(apart((await run(bytes)) as Float32Array, due)).toBeLessThan(1e-6);
  // Both masks count: with either alone the scores are others.
  expect(apart(await scoresOf(classifier, once.graph, data.holdout), due)).toBeGreaterThan(1e-3);
});
