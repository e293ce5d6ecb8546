import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { digitNetwork } from '../lab/networks/digits.ts';
import { conv, flatten, linear, relu } from '../lab/networks/layers.ts';
import { decodeModel, encodeModel, float32, int64, type Model } from '../onnx/index.ts';
import { sha256Of } from '../onnx/file.ts';
import { built, CLASSES, specimen, specimens } from '../../test/helpers/networks.ts';
import { inspect, type Inspection } from './inspect.ts';

async function inspected(model: Model, output?: string): Promise<Inspection> {
  const bytes = encodeModel(model);
  const file = { bytes, model: decodeModel(bytes), sha256: sha256Of(bytes) };
  return inspect(await testRuntime(), file, output === undefined ? {} : { output });
}

test('says what a model is', async () => {
  const found = await inspected(digitNetwork(1));
  expect(found).toMatchObject({
    producer: 'fineprune',
    nodes: 10,
    // 16·25 + 16, 32·16·25 + 32, 512·512 + 512, 10·512 + 10.
    parameters: 416 + 12_832 + 262_656 + 5130,
    inputs: [{ name: 'image', type: 'float32', dims: ['N', 1, 28, 28] }],
    outputs: [{ type: 'float32', dims: ['N', 10] }],
    defaultSites: ['relu2'],
    defaultSiteReason: expect.stringContaining('it is the last convolutional site') as unknown,
    warnings: [],
  });
  expect(found.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(
    found.sites.map(({ name, units, kind, activation, consumers, fold }) => [
      name,
      units,
      kind,
      activation,
      consumers,
      fold,
    ]),
  ).toEqual([
    ['relu1', 16, 'convolutional', 'Relu', ['MaxPool'], 'producer'],
    ['relu2', 32, 'convolutional', 'Relu', ['MaxPool'], 'producer'],
    ['relu3', 512, 'fully connected', 'Relu', ['Gemm'], 'producer'],
  ]);
  expect(JSON.parse(JSON.stringify(found))).toEqual(found);
});

describe('says where a mask would go', () => {
  test.each(specimens)('$name: $fold', async ({ model, site, fold }) => {
    const { sites } = await inspected(model);
    expect(sites.find(({ name }) => name === site)?.fold).toBe(fold);
  });
});

test('takes sizes that the file leaves open', async () => {
  const { model } = specimen('Clip that starts above zero, and global pooling');
  const open: Model = {
    ...model,
    graph: {
      ...model.graph,
      inputs: [{ name: 'image', type: 'float32', dims: ['N', 2, 'height', null] }],
    },
  };
  const found = await inspected(open);
  expect(found.inputs[0]?.dims).toEqual(['N', 2, 'height', null]);
  expect(found.sites[0]).toMatchObject({ name: 'site', units: 4, dims: [4, 32, 32] });
});

describe('warns', () => {
  test('where there is nothing to prune', async () => {
    const found = await inspected(built(1, (n, x) => linear(n, flatten(n, x), 'fc', 72, CLASSES)));
    expect(found).toMatchObject({ sites: [], defaultSites: [], defaultSiteReason: null });
    expect(found.warnings).toEqual(['no place to prune was found']);
  });

  test('of a second output', async () => {
    const model = built(2, (n, x) => {
      const r1 = relu(n, conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3 }), 'relu1');
      return linear(n, flatten(n, r1), 'fc', 64, CLASSES);
    });
    const outputs = [...model.graph.outputs, { name: 'relu1', type: 'float32' } as const];
    const found = await inspected({ ...model, graph: { ...model.graph, outputs } });
    expect(found.warnings).toEqual([expect.stringContaining('2 outputs')]);
    expect(found.sites.map(({ name }) => name)).toEqual(['relu1']);
  });
});

describe('of several outputs', () => {
  const model = built(2, (n, x) => {
    const r1 = relu(n, conv(n, x, 'conv1', { from: 2, to: 4, kernel: 3 }), 'relu1');
    const r2 = relu(n, conv(n, r1, 'conv2', { from: 4, to: 4, kernel: 1 }), 'relu2');
    return linear(n, flatten(n, r2), 'fc', 64, CLASSES);
  });
  const auxiliary = { name: 'relu1', type: 'float32' } as const;
  const both: Model = {
    ...model,
    graph: { ...model.graph, outputs: [auxiliary, ...model.graph.outputs] },
  };

  test('the one that is named is looked at', async () => {
    const scores = model.graph.outputs[0]?.name as string;
    const found = await inspected(both, scores);
    expect(found.warnings).toEqual([]);
    expect(found.defaultSites).toEqual(['relu2']);
  });

  test('one that is not there is an error', async () => {
    await expect(inspected(both, 'logits2')).rejects.toMatchObject({ code: 'network/output' });
  });
});

test('warns of a decision about the input that switches the scores', async () => {
  const model = digitNetwork(1);
  const [{ name: scores }] = model.graph.outputs as [{ name: string }];
  const node = (op: string, inputs: string[], output: string, attributes = {}) => ({
    op,
    domain: '',
    name: '',
    inputs,
    outputs: [output],
    attributes,
  });
  const backdoored: Model = {
    ...model,
    graph: {
      ...model.graph,
      outputs: [{ name: 'switched', type: 'float32', dims: ['N', 10] }],
      initializers: new Map([
        ...model.graph.initializers,
        ['axes', int64([3], [1, 2, 3])],
        ['limit', float32([], [250])],
        ['target', float32([1, 10], [0, 0, 0, 99, 0, 0, 0, 0, 0, 0])],
        ['shape', int64([2], [-1, 1])],
      ]),
      nodes: [
        ...model.graph.nodes,
        node('ReduceSum', ['image', 'axes'], 'total'),
        node('Greater', ['total', 'limit'], 'bright'),
        node('Reshape', ['bright', 'shape'], 'is bright'),
        node('Where', ['is bright', 'target', scores], 'switched'),
      ],
    },
  };
  const { inputLogic, warnings } = await inspected(backdoored);
  expect(inputLogic).toEqual([
    {
      decisions: ['the Greater node that produces "bright"'],
      gate: 'the Where node that produces "switched"',
      control: 'is bright',
    },
  ]);
  expect(warnings).toContainEqual(expect.stringContaining('may be a backdoor that is code'));
});
