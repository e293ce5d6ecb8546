import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { arrayDataset, pictureCode, preset, random, type Dataset } from '../data/index.ts';
import {
  conv,
  flatten,
  linear,
  network,
  pool,
  relu,
  type NetworkBuilder,
} from '../lab/networks/layers.ts';
import {
  decodeModel,
  encodeModel,
  float32,
  int64,
  type DataType,
  type Dim,
  type Model,
  type Node,
  type TensorOf,
} from '../onnx/index.ts';
import { sha256Of } from '../onnx/file.ts';
import { computeOutputs, predict, fixedBatchSize } from '../train/index.ts';
import { openClassifier } from './classifier.ts';
import type { Network } from './network.ts';
import { lastOf } from '../../test/helpers/repair.ts';
import { repair, type RepairOptions } from '../defense/index.ts';
import { exportModel } from './export.ts';
import { formatOf } from './adapt/model-format.ts';

const CLASSES = ['left', 'middle', 'right'];
const runtime = await testRuntime();

/** The network that all others here are another form of: [N, 1, 8, 8] to three logits. */
function core(net: NetworkBuilder, x: string, shape?: (flat: string) => string): string {
  const c = relu(net, conv(net, x, 'conv1', { from: 1, to: 4, kernel: 3, pad: 1 }), 'relu1');
  const p = pool(net, 'MaxPool', c, 'pool');
  const f = shape ? shape(p) : flatten(net, p);
  return linear(net, relu(net, linear(net, f, 'fc1', 64, 8), 'relu2'), 'fc2', 8, 3);
}

interface Form {
  readonly type?: DataType | undefined;
  readonly dims?: readonly Dim[] | undefined;
  /** From the model's input to what the network takes. */
  readonly before?: ((net: NetworkBuilder, x: string) => string) | undefined;
  readonly shape?: ((net: NetworkBuilder) => (pooled: string) => string) | undefined;
  /** From logits to the outputs, of which the first is the one to look at. */
  readonly after?: ((net: NetworkBuilder, logits: string) => string[]) | undefined;
}

function modelOf({ type = 'float32', dims = ['N', 1, 8, 8], before, shape, after }: Form): Model {
  const net = network(1);
  const input = net.b.input('image', type, dims);
  const x = before ? before(net, input) : input;
  const logits = core(net, x, shape?.(net));
  const outputs = after ? after(net, logits) : [logits];
  return {
    irVersion: 8,
    opsets: new Map([
      ['', 17],
      ['ai.onnx.ml', 3],
    ]),
    producer: 'test',
    metadata: new Map(),
    graph: net.b.build(
      outputs.map((name) => ({ name })),
      'form',
    ),
  };
}

const LENGTH = 50;
const draws = random(3, 'pixels');
const bytes = Uint8Array.from({ length: LENGTH * 64 }, () => draws.integer(256));
const labels = Int32Array.from({ length: LENGTH }, (_, i) => i % 3);

/** Random bytes over 255; `times` 255 they are bytes again. */
const pixels = (sample: readonly number[], divisor = 255): Dataset =>
  arrayDataset({ name: 'pixels', classes: CLASSES, sample, labels, data: bytes, divisor });

const CHANNELS_FIRST = [1, 8, 8];

/** What the core gives, by a session that knows nothing of what is tested here. */
const logits = computeOutputs(runtime, modelOf({}).graph, pixels(CHANNELS_FIRST), {
  input: 'image',
  outputs: modelOf({}).graph.outputs.map(({ name }) => name),
}).then((results) => Object.values(results)[0] as TensorOf<'float32'>);

async function scoresOf({ graph, input, scores }: Network, dataset: Dataset) {
  const results = await computeOutputs(runtime, graph, dataset, { input, outputs: [scores] });
  return results[scores] as TensorOf<'float32'>;
}

const soften = (net: NetworkBuilder, x: string, op = 'Softmax') =>
  net.b.op(op, [x], op === 'Softmax' ? { axis: -1 } : {}, 'probabilities');

/** Softmax in steps, as some converters write it. */
function stepwise(net: NetworkBuilder, x: string): string {
  const most = net.b.op('ReduceMax', [x], { axes: [-1], keepdims: 1 });
  const powers = net.b.op('Exp', [net.b.op('Sub', [x, most])]);
  const sum = net.b.op('ReduceSum', [powers, net.b.ints([-1])], { keepdims: 1 });
  return net.b.op('Div', [powers, sum], {}, 'probabilities');
}

const ints = (net: NetworkBuilder, name: string, values: number[]) =>
  net.b.initializer(name, int64([values.length], values));

/** Each form of a model, and the data that it takes. */
const forms: Record<string, Form & { data?: Dataset | undefined; output?: string | undefined }> = {
  logits: {},
  probabilities: { after: (net, x) => [soften(net, x)] },
  'probabilities, then Identity and Reshape': {
    after: (net, x) => [
      net.b.op('Reshape', [net.b.op('Identity', [soften(net, x)]), net.b.ints([-1, 3])]),
    ],
  },
  'probabilities in steps': { after: (net, x) => [stepwise(net, x)] },
  'log probabilities': { after: (net, x) => [net.b.op('LogSoftmax', [x], { axis: -1 })] },
  'a sigmoid for each class': { after: (net, x) => [soften(net, x, 'Sigmoid')] },
  'scores with axes of one': {
    after: (net, x) => [net.b.op('Unsqueeze', [x, net.b.ints([2, 3])])],
  },
  'several outputs, of which one has scores': {
    after: (net, x) => ['relu1', x, net.b.op('ArgMax', [x], { axis: 1, keepdims: 0 }, 'label')],
  },
  'two outputs of scores, one named': {
    after: (net, x) => [net.b.op('Neg', [x], {}, 'aux'), soften(net, x)],
    output: 'probabilities',
  },
  'channels last': {
    dims: ['N', 8, 8, 1],
    before: (net, x) => net.b.op('Transpose', [x], { perm: [0, 3, 1, 2] }),
    data: pixels([8, 8, 1]),
  },
  'bytes, scaled inside': {
    type: 'uint8',
    before: (net, x) => net.b.op('Div', [net.b.op('Cast', [x], { to: 1 }), net.b.scalar(255)]),
    data: pixels(CHANNELS_FIRST, 1),
  },
  'whole numbers of 64 bits, channels last': {
    type: 'int64',
    dims: ['N', 8, 8, 1],
    before: (net, x) => {
      const turned = net.b.op('Transpose', [x], { perm: [0, 3, 1, 2] });
      return net.b.op('Mul', [net.b.op('Cast', [turned], { to: 1 }), net.b.scalar(1 / 255)]);
    },
    data: pixels([8, 8, 1], 1),
  },
  'flat features': {
    dims: ['N', 64],
    before: (net, x) => net.b.op('Reshape', [x, net.b.ints([-1, 1, 8, 8])]),
    data: pixels([64]),
  },
  'a batch of one, with a shape that says so': {
    dims: [1, 1, 8, 8],
    shape: (net) => (p) => net.b.op('Reshape', [p, ints(net, 'shape', [1, 64])]),
  },
  'a batch of four, with -1 behind it': {
    dims: [4, 1, 8, 8],
    shape: (net) => (p) => net.b.op('Reshape', [p, ints(net, 'shape', [4, -1])]),
  },
  'a batch of two, with a token laid out for it': {
    dims: [2, 1, 8, 8],
    shape: (net) => (p) => {
      const zeros = net.b.op('Expand', [
        net.b.initializer('token', float32([1, 4, 4, 1], new Float32Array(16))),
        ints(net, 'laid out', [2, 4, 4, 1]),
      ]);
      const both = net.b.op('Concat', [p, zeros], { axis: 3 });
      const cut = net.b.op('Slice', [both, net.b.ints([0]), net.b.ints([4]), net.b.ints([3])]);
      return flatten(net, cut);
    },
  },
  'a batch of four that cannot be changed': {
    dims: [4, 1, 8, 8],
    shape: (net) => (p) => {
      const turned = net.b.op('Transpose', [flatten(net, p)], { perm: [1, 0] });
      const shaped = net.b.op('Reshape', [turned, ints(net, 'shape', [64, 4])]);
      return net.b.op('Transpose', [shaped], { perm: [1, 0] });
    },
  },
};

describe.each(Object.entries(forms))('%s', (name, form) => {
  const { data = pixels(CHANNELS_FIRST), output } = form;
  const options = output === undefined ? {} : { output };

  test('gives the logits of the network, or the same after a softmax', async () => {
    const model = decodeModel(encodeModel(modelOf(form)));
    const classifier = await openClassifier(runtime, model, data, options);
    const [wanted, made] = [(await logits).data, (await scoresOf(classifier, data)).data];
    const steps = name === 'probabilities in steps' || name === 'log probabilities';
    const shown = steps ? [softmaxed(wanted), softmaxed(made)] : [wanted, made];
    expect(apart(shown[0] as Float32Array, shown[1] as Float32Array)).toBeLessThan(2e-6);
    expect(fixedBatchSize(classifier.graph, classifier.input)).toBe(
      name.endsWith('cannot be changed') ? 4 : undefined,
    );
    expect(classifier.parameters.toSorted()).toEqual(
      ['conv1', 'fc1', 'fc2'].flatMap((layer) => [`${layer}.bias`, `${layer}.weight`]),
    );
  });

  test('is defended, and the file written does what the report says', async () => {
    const model = decodeModel(encodeModel(modelOf(form)));
    const bytes = encodeModel(model);
    const made = await repair(runtime, model, data, {
      ...options,
      maxDrop: 1,
      epochs: 1,
      batchSize: 16,
      share: 0.5,
    });
    const { network, edits } = lastOf(made);
    const file = { bytes, model, sha256: sha256Of(bytes) };
    const written = decodeModel(exportModel(file, network.graph, edits, {}));
    expect({ ...written.graph, initializers: [] }).toEqual({ ...model.graph, initializers: [] });
    const again = await openClassifier(runtime, written, data, options);
    const { input, scores } = made.given;
    const io = { input, logits: scores };
    expect(await predict(runtime, again.graph, data, io)).toEqual(
      await predict(runtime, network.graph, data, io),
    );
    expect(written.graph.initializers.get('fc2.weight')).not.toEqual(
      model.graph.initializers.get('fc2.weight'),
    );
  });
});

test('one sigmoid stands for two classes', async () => {
  const model = modelOf({
    after: (net, x) => {
      const weights = net.b.initializer('one.weight', float32([3, 1], [1, -2, 0.5]));
      return [soften(net, net.b.op('MatMul', [x, weights]), 'Sigmoid')];
    },
  });
  const two = {
    ...pixels(CHANNELS_FIRST),
    classes: ['no', 'yes'],
    labels: labels.map((l) => l % 2),
  };
  const classifier = await openClassifier(runtime, model, two);
  const made = softmaxed((await scoresOf(classifier, two)).data, 2);
  const wanted = await computeOutputs(runtime, model.graph, two, {
    input: 'image',
    outputs: ['probabilities'],
  });
  const yes = made.filter((_, i) => i % 2 === 1);
  expect(apart(yes, (wanted['probabilities'] as TensorOf<'float32'>).data)).toBeLessThan(1e-6);
  expect(formatOf(model).outputs).toBeUndefined();
});

const ml = (
  op: string,
  inputs: string[],
  outputs: string[],
  attributes: Node['attributes'],
): Node => ({
  op,
  domain: 'ai.onnx.ml',
  name: op,
  inputs,
  outputs,
  attributes,
});

/** Scaler, two layers, probabilities, and the label picked out of a list. */
function pipeline(): Model {
  const net = network(1);
  const input = net.b.input('X', 'float32', [null, 4]);
  const hidden = relu(net, linear(net, 'scaled', 'fc1', 4, 6), 'relu');
  const probabilities = soften(net, linear(net, hidden, 'fc2', 6, 3));
  const best = net.b.op('ArgMax', [probabilities], { axis: 1 });
  const list = net.b.initializer('names', int64([3], [0, 1, 2]));
  const scaler = ml('Scaler', [input], ['scaled'], {
    offset: { floats: [1, 2, 3, 4] },
    scale: { floats: [2, 1, 0.5, 0.25] },
  });
  const label = ml('ArrayFeatureExtractor', [list, best], ['label'], {});
  const graph = net.b.build([{ name: 'label' }, { name: probabilities }], 'pipeline');
  return {
    irVersion: 8,
    opsets: new Map([
      ['', 17],
      ['ai.onnx.ml', 1],
    ]),
    producer: 'skl2onnx',
    metadata: new Map(),
    graph: { ...graph, nodes: [scaler, ...graph.nodes, label] },
  };
}

describe('as scikit-learn exports it', () => {
  const features = arrayDataset({
    name: 'features',
    classes: CLASSES,
    sample: [4],
    labels,
    data: Float32Array.from({ length: 4 * LENGTH }, (_, i) => (i * 7919) % 13),
  });

  test('its probabilities are found, and its Scaler is arithmetic', async () => {
    const model = pipeline();
    const classifier = await openClassifier(runtime, model, features);
    const session = await runtime.open(model);
    const data = new Float32Array(4 * LENGTH);
    await features.read([...labels.keys()], data);
    const results = await session.run({ X: { type: 'float32', dims: [LENGTH, 4], data } });
    await session.dispose();
    const made = softmaxed((await scoresOf(classifier, features)).data);
    expect(apart(made, (results['probabilities'] as TensorOf<'float32'>).data)).toBeLessThan(1e-6);
    // The scaler is preprocessing: not to be trained.
    expect(classifier.parameters.toSorted()).toEqual([
      'fc1.bias',
      'fc1.weight',
      'fc2.bias',
      'fc2.weight',
    ]);
  });
});

test.each<RepairOptions>([{ shift: 1 }, { augment: ['rotate'] }, { occlusion: 0.5 }])(
  'rows of a table are no pictures: %o',
  async (settings) => {
    const features = arrayDataset({
      name: 'features',
      classes: CLASSES,
      sample: [4],
      labels,
      data: new Float32Array(4 * LENGTH),
    });
    await expect(repair(runtime, pipeline(), features, settings)).rejects.toMatchObject({
      code: 'defense/no-picture',
      message: expect.stringContaining('Samples of [4] are no pictures'),
    });
  },
);

describe('the format of a model', () => {
  test.each([
    ['channels first', modelOf({}), { dims: [1, 8, 8], layout: 'NCHW' }],
    [
      'channels last, by the graph',
      modelOf({
        type: 'uint8',
        dims: [null, null, null, 1],
        before: (net, x) =>
          net.b.op('Transpose', [net.b.op('Cast', [x], { to: 1 })], { perm: [0, 3, 1, 2] }),
      }),
      { dims: [null, null, 1], layout: 'NHWC', bytes: true },
    ],
    [
      'channels last, by the dims',
      modelOf({
        dims: [1, 8, 8, 3],
        before: (net, x) => net.b.op('Reshape', [x, net.b.ints([-1, 1, 8, 8])]),
      }),
      { dims: [8, 8, 3], layout: 'NHWC' },
    ],
  ])('%s', (_, model, input) => {
    expect(formatOf(model)).toEqual({ name: 'image', input });
  });

  test('what a person says holds over what the graph shows', () => {
    const model = modelOf({ dims: ['N', 1, null, null] });
    expect(formatOf(model, { size: [8, 6] }).input.dims).toEqual([1, 8, 6]);
    expect(formatOf(model, { layout: 'NHWC' }).input.layout).toBe('NHWC');
  });

  test('pictures of the code are what the network sees', () => {
    const code = pictureCode([1, 8, 8], 'NCHW', preset('0-1'));
    expect(code.dims).toEqual(CHANNELS_FIRST);
  });
});

function softmaxed(values: Float32Array, width = 3): Float32Array {
  return values.map((_, i) => {
    const row = values.subarray(i - (i % width), i - (i % width) + width);
    const most = Math.max(...row);
    const sum = row.reduce((total, v) => total + Math.exp(v - most), 0);
    return Math.exp((values[i] as number) - most) / sum;
  });
}

function apart(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}
