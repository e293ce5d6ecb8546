import { expect, test } from 'vitest';
import { Builder, modelOf, normalize } from '../graph/index.ts';
import { float32, type Graph, type Model } from '../onnx/index.ts';
import { literalsOf, parametersOf } from './parameters.ts';

function graphOf(build: (b: Builder, x: string, w: string) => string): Graph {
  const b = new Builder();
  const x = b.input('x', 'float32', ['N', 4]);
  const w = b.initializer('w', float32([4, 4], new Float32Array(16)));
  return b.build([{ name: build(b, x, w) }]);
}
const found = (graph: Graph) => parametersOf(graph, graph.outputs[0]?.name as string);

test('a weight that is transposed before it is used is a parameter', () => {
  const graph = graphOf((b, x, w) => b.op('MatMul', [x, b.op('Transpose', [w], { perm: [1, 0] })]));
  expect(found(graph)).toEqual(['w']);
});

test('so is one that is cut, joined and lifted, as the gates of an LSTM are', () => {
  const graph = graphOf((b, x, w) => {
    const cut = (from: number) =>
      b.op('Slice', [w, b.ints([from]), b.ints([from + 2]), b.ints([0])]);
    return b.op('MatMul', [x, b.op('Unsqueeze', [b.op('Concat', [cut(2), cut(0)]), b.ints([0])])]);
  });
  expect(found(graph)).toEqual(['w']);
});

test('a class token that is repeated for every sample and joined to the patches is one', () => {
  const graph = graphOf((b, x, w) => {
    const tokens = b.op('Expand', [w, b.op('Shape', [x])]);
    const joined = b.op('Concat', [tokens, x], { axis: 0 });
    return b.op('MatMul', [joined, b.initializer('v', float32([4, 2], new Float32Array(8)))]);
  });
  expect(found(graph).sort()).toEqual(['v', 'w']);
});

test('what a nonlinearity hides is no parameter, nor what does not reach the output', () => {
  const graph = graphOf((b, x, w) => {
    b.op('MatMul', [x, w]);
    return b.op('Where', [b.op('Greater', [x, w]), x, x]);
  });
  expect(found(graph)).toEqual([]);
});

test('scalars, integers and running statistics are settings', () => {
  const graph = graphOf((b, x) => {
    const vector = (name: string) => b.initializer(name, float32([4], [1, 1, 1, 1]));
    const inputs = ['scale', 'shift', 'mean', 'variance'].map(vector);
    return b.op('Mul', [b.op('BatchNormalization', [x, ...inputs]), b.scalar(3)]);
  });
  expect(found(graph)).toEqual(['scale', 'shift']);
});

const constant = (name: string, dims: readonly number[]) => ({
  op: 'Constant',
  domain: '',
  name,
  inputs: [],
  outputs: [name],
  attributes: { value: float32(dims, new Float32Array(dims.reduce((a, b) => a * b, 1))) },
});

test('a Constant node is a weight where only weights can be, and else part of a formula', () => {
  const base = graphOf((b, x) => b.op('MatMul', [b.op('Sub', [x, 'mean']), 'weight']));
  const nodes = [constant('mean', [4]), constant('weight', [4, 2]), ...base.nodes];
  const model: Model = modelOf({ ...base, nodes });
  const { graph } = normalize(model);
  const output = graph.outputs[0]?.name as string;
  expect(parametersOf(graph, output, literalsOf(model))).toEqual(['weight']);
});
