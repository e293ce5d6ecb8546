import { defaultDevice, init, numpy as np, valueAndGrad } from '@jax-js/jax';
import { ONNXModel } from '@jax-js/onnx';
import { beforeAll, expect, test } from 'vitest';
import { appendGradients } from '../src/autodiff/index.ts';
import { Builder, OPSET } from '../src/graph/index.ts';
import { encodeModel, type Graph, type Tensor } from '../src/onnx/index.ts';
import { trace } from '../src/runtime/index.ts';
import {
  modelOf,
  normal,
  offZero,
  tensorOf,
  testRuntime,
  type Values,
} from './helpers/gradcheck.ts';

/** A second library that differentiates ONNX graphs, by code that shares nothing with ours. */
beforeAll(async () => {
  await init('wasm');
  defaultDevice('wasm');
});

async function ours(graph: Graph, inputs: Readonly<Record<string, Values>>) {
  const runtime = await testRuntime();
  const feeds: Record<string, Tensor> = {};
  for (const [name, { dims, data }] of Object.entries(inputs)) {
    feeds[name] = tensorOf('float32', dims, data);
  }
  const loss = graph.outputs[0]?.name as string;
  const traced = await trace(runtime, graph, OPSET, feeds);
  const b = new Builder(traced.graph);
  const names = appendGradients(b, traced, loss, Object.keys(inputs));
  const outputs = [loss, ...names.values()].map((name) => ({ name }));
  const session = await runtime.open(modelOf(b.build(outputs)));
  const results = await session.run(feeds);
  await session.dispose();
  return {
    loss: Number(results[loss]?.data[0]),
    gradients: new Map([...names].map(([input, name]) => [input, results[name]?.data])),
  };
}

function theirs(graph: Graph, inputs: Readonly<Record<string, Values>>) {
  const model = new ONNXModel(Uint8Array.from(encodeModel(modelOf(graph))));
  const tree = Object.fromEntries(
    Object.entries(inputs).map(([name, { dims, data }]) => [
      name,
      np.array(Float32Array.from(data)).reshape([...dims]),
    ]),
  );
  const name = graph.outputs[0]?.name as string;
  const loss = (values: Record<string, np.Array>) => model.run(values)[name] as np.Array;
  const [value, gradients] = valueAndGrad(loss)(tree) as [np.Array, Record<string, np.Array>];
  return {
    loss: value.dataSync()[0] as number,
    gradients: new Map(
      Object.entries(gradients).map(([input, gradient]) => [input, gradient.dataSync()]),
    ),
  };
}

test('jax-js gives the same loss and gradients for a small network', async () => {
  const inputs = {
    image: normal([2, 2, 8, 8]),
    w1: offZero([4, 2, 3, 3], 2, 0.05, 0.5),
    b1: normal([4], 3),
    w2: offZero([6, 4, 3, 3], 4, 0.05, 0.4),
    s: normal([6], 5),
    b: normal([6], 6),
    w3: normal([6, 5], 7),
    b3: normal([5], 8),
  };
  const builder = new Builder();
  for (const [name, { dims }] of Object.entries(inputs)) builder.input(name, 'float32', dims);
  const op = (name: string, values: string[], attributes = {}) =>
    builder.op(name, values, attributes);
  const c1 = op('Conv', ['image', 'w1', 'b1'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const pooled = op('MaxPool', [op('Relu', [c1])], { kernel_shape: [2, 2], strides: [2, 2] });
  const c2 = op('Conv', [pooled, 'w2'], { kernel_shape: [3, 3], strides: [1, 1] });
  const mean = op('ReduceMean', [op('Mish', [c2]), builder.ints([2, 3])], { keepdims: 0 });
  const normed = op('LayerNormalization', [mean, 's', 'b'], { axis: -1 });
  const mixed = op('Mul', [op('Sigmoid', [normed]), op('Gelu', [mean])]);
  const logits = op('Gemm', [mixed, 'w3', 'b3']);
  const target = builder.constant(tensorOf('float32', [2, 5], [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]));
  const chosen = op('Mul', [op('LogSoftmax', [logits], { axis: 1 }), target]);
  const loss = op('Neg', [op('ReduceSum', [chosen], { keepdims: 0 })]);
  const graph = builder.build([{ name: loss, type: 'float32', dims: [] }]);

  const a = await ours(graph, inputs);
  const b = theirs(graph, inputs);
  expect(a.loss).toBeCloseTo(b.loss, 4);
  for (const name of Object.keys(inputs)) {
    const expected = Array.from(b.gradients.get(name) ?? [], Number);
    const got = Array.from(a.gradients.get(name) ?? [], Number);
    const scale = Math.max(...expected.map(Math.abs));
    expect(got).toHaveLength(expected.length);
    for (const [index, value] of expected.entries()) {
      expect(Math.abs((got[index] as number) - value) / scale, name).toBeLessThan(1e-4);
    }
  }
});
