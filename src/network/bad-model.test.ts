import { expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { arrayDataset } from '../data/index.ts';
import {
  conv,
  flatten,
  linear,
  network,
  relu,
  type NetworkBuilder,
} from '../lab/networks/layers.ts';
import type { DataType, Dim, Model, Node } from '../onnx/index.ts';
import { openClassifier, type ClassifierOptions } from './classifier.ts';
import { formatOf } from './adapt/model-format.ts';

const runtime = await testRuntime();
const data = arrayDataset({
  name: 'squares',
  classes: ['a', 'b', 'c'],
  sample: [1, 4, 4],
  labels: Int32Array.of(0, 1, 2, 0),
  data: new Float32Array(64),
});

interface Bad {
  readonly type?: DataType | undefined;
  readonly dims?: readonly Dim[] | undefined;
  readonly body?: ((net: NetworkBuilder, x: string) => string[]) | undefined;
  readonly nodes?: readonly Node[] | undefined;
  readonly options?: ClassifierOptions | undefined;
  readonly code: string;
  readonly says: RegExp;
}

const hidden = (net: NetworkBuilder, x: string) =>
  relu(net, conv(net, x, 'conv', { from: 1, to: 2, kernel: 3, pad: 1 }), 'relu');
const scores = (net: NetworkBuilder, x: string, classes = 3, name = 'fc') =>
  linear(net, flatten(net, hidden(net, x)), name, 32, classes);
const tree: Node = {
  op: 'TreeEnsembleClassifier',
  domain: 'ai.onnx.ml',
  name: 'forest',
  inputs: ['image'],
  outputs: ['label', 'votes'],
  attributes: {},
};

/** Every kind of model that cannot be defended as it is, and what is said of it. */
const table: Record<string, Bad> = {
  'two inputs': {
    body: (net, x) => {
      const other = net.b.input('mask', 'float32', ['N', 1, 4, 4]);
      return [scores(net, net.b.op('Mul', [x, other]))];
    },
    code: 'network/model-shape',
    says: /has 2 inputs \("image", "mask"\): give a model with one input/,
  },
  'an input of unknown shape': {
    dims: undefined,
    code: 'network/model-shape',
    says: /has dims \[unknown\]: export the model with the shape of its input/,
  },
  'an input without a batch': {
    dims: [16],
    body: (net, x) => [linear(net, net.b.op('Reshape', [x, net.b.ints([1, 16])]), 'fc', 16, 3)],
    code: 'network/model-shape',
    says: /has dims \[16\]: export the model with the shape of its input, a batch of samples such as \[N, 3, 224, 224\]/,
  },
  'an input of texts': {
    type: 'string',
    body: (net, x) => [net.b.op('Identity', [x])],
    code: 'network/model-shape',
    says: /takes string: give a network that takes numbers/,
  },
  'an input of another size than the data': {
    dims: ['N', 1, 5, 5],
    code: 'network/model-shape',
    says: /takes samples of \[1, 5, 5\], the data "squares" has \[1, 4, 4\]/,
  },
  'an output for other classes than the data': {
    body: (net, x) => [scores(net, x, 5)],
    code: 'network/classes',
    says: /has 5 classes, but the data has 3 \(a, b, c\)/,
  },
  'an output of features': {
    body: (net, x) => [hidden(net, x)],
    code: 'network/model-shape',
    says: /output "relu" has dims \[2, 2, 4, 4\]: it must have a score for each class/,
  },
  'an output of labels': {
    body: (net, x) => [net.b.op('ArgMax', [scores(net, x)], { axis: 1, keepdims: 0 }, 'label')],
    code: 'network/model-shape',
    says: /output "label" has dims \[2\]: it must have a score for each class/,
  },
  'two outputs that may have the scores': {
    body: (net, x) => {
      const one = scores(net, x);
      return [one, net.b.op('Neg', [one], {}, 'aux')];
    },
    code: 'network/output',
    says: /has 2 outputs, of which 2 fit 3 classes \(".+" \[2, 3\], "aux" \[2, 3\]\): name the output/,
  },
  'several outputs and none that has the scores': {
    body: (net, x) => [hidden(net, x), net.b.op('GlobalAveragePool', ['relu'], {}, 'pool')],
    code: 'network/output',
    says: /2 outputs, of which 0 fit 3 classes/,
  },
  'an output that is not there': {
    options: { output: 'prob' },
    code: 'network/output',
    says: /has no output "prob": its outputs are "/,
  },
  'no network at all': {
    body: () => ['votes'],
    nodes: [tree],
    code: 'network/operator',
    says: /depends on TreeEnsembleClassifier of ai\.onnx\.ml, which cannot be fine-tuned/,
  },
};

test.each(Object.entries(table))('%s', async (_, bad) => {
  const net = network(1);
  const x = net.b.input('image', bad.type ?? 'float32', []);
  const outputs = bad.body?.(net, x) ?? [scores(net, x)];
  const graph = net.b.build(outputs.map((name) => ({ name })));
  const dims = 'dims' in bad ? bad.dims : ['N', 1, 4, 4];
  const { dims: __, ...bare } = graph.inputs[0] ?? { name: 'image' };
  const model: Model = {
    irVersion: 8,
    opsets: new Map([
      ['', 17],
      ['ai.onnx.ml', 3],
    ]),
    producer: 'test',
    metadata: new Map(),
    graph: {
      ...graph,
      nodes: [...graph.nodes, ...(bad.nodes ?? [])],
      inputs: [dims ? { ...bare, dims } : bare, ...graph.inputs.slice(1)],
    },
  };
  const made = async () => {
    formatOf(model, bad.options);
    return openClassifier(runtime, model, data, bad.options);
  };
  const error = await made().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toMatchObject({ name: 'NetworkError', code: bad.code });
  expect((error as Error).message).toMatch(bad.says);
});
