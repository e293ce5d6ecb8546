import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { appendGradients } from '../src/autodiff/index.ts';
import { Builder, OPSET } from '../src/graph/index.ts';
import { type Attributes, int64, type Tensor } from '../src/onnx/index.ts';
import { trace } from '../src/runtime/index.ts';
import { modelOf, tensorOf, testRuntime, type Values } from './helpers/gradcheck.ts';

/** One node with PyTorch's output and gradients; scripts/golden/ops.py makes them. */
interface Golden {
  readonly name: string;
  readonly op: string;
  readonly attributes: Attributes;
  readonly inputs: Readonly<Record<string, Values>>;
  readonly constants: readonly (Values & { readonly type?: 'int64' | undefined })[];
  readonly output: Values;
  readonly dy: Values;
  readonly gradients: Readonly<Record<string, Values>>;
}

function read(file: string): Golden[] {
  const url = new URL(`golden/ops/${file}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Golden[];
}

/** Runs a case through ONNX Runtime and the rules. */
async function run(golden: Golden): Promise<{ y: Tensor; gradients: Record<string, Tensor> }> {
  const runtime = await testRuntime();
  const forward = new Builder();
  const inputs = Object.keys(golden.inputs);
  const feeds: Record<string, Tensor> = {};
  for (const [name, { dims, data }] of Object.entries(golden.inputs)) {
    forward.input(name, 'float32', dims);
    feeds[name] = tensorOf('float32', dims, data);
  }
  const constants = golden.constants.map(({ dims, data, type }) =>
    forward.constant(type ? int64(dims, data) : tensorOf('float32', dims, data)),
  );
  const outputs = golden.attributes['training_mode'] === 1 ? 3 : 1;
  const [y] = forward.ops(golden.op, [...inputs, ...constants], golden.attributes, outputs) as [
    string,
  ];
  const dy = forward.constant(tensorOf('float32', golden.dy.dims, golden.dy.data));
  const loss = forward.op('ReduceSum', [forward.op('Mul', [y, dy])], { keepdims: 0 });
  const traced = await trace(runtime, forward.build([{ name: loss }]), OPSET, feeds);
  const b = new Builder(traced.graph);
  const names = appendGradients(b, traced, loss, inputs);
  const fetched = [y, ...names.values()];
  const session = await runtime.open(modelOf(b.build(fetched.map((name) => ({ name })))));
  const results = await session.run(feeds);
  await session.dispose();
  return {
    y: results[y] as Tensor,
    gradients: Object.fromEntries(
      [...names].map(([input, name]) => [input, results[name] as Tensor]),
    ),
  };
}

/** The largest difference, as a share of the largest value. */
function distance(got: Tensor, expected: Values): number {
  expect(got.dims).toEqual(expected.dims);
  const scale = Math.max(1e-6, ...expected.data.map(Math.abs));
  return Math.max(
    ...expected.data.map((value, index) => Math.abs(Number(got.data[index]) - value) / scale),
  );
}

describe.each(['windows', 'operators'])('PyTorch agrees on %s', (file) => {
  test.each(read(file).map((golden) => [golden.name, golden] as const))('%s', async (_, golden) => {
    const { y, gradients } = await run(golden);
    expect(distance(y, golden.output)).toBeLessThan(1e-5);
    for (const [input, expected] of Object.entries(golden.gradients)) {
      expect(distance(gradients[input] as Tensor, expected)).toBeLessThan(2e-5);
    }
  });
});
