import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeModel, type Tensor } from '../../onnx/index.ts';
import { nodeRuntime, type Runtime } from '../../runtime/index.ts';
import { normalize } from '../normalize.ts';
import { around, difference, outputsOf } from '../../../test/helpers/normalize.ts';

const folder = new URL('../../../test/golden/normalize/', import.meta.url);
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => file.slice(0, -'.onnx'.length));

interface Numbers {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}
interface Golden {
  readonly opset: number;
  readonly x: Numbers;
  readonly y: Numbers;
}

let runtime: Runtime;

beforeAll(async () => {
  runtime = await nodeRuntime({ threads: 1 });
});

const tensorOf = ({ dims, data }: Numbers, double = false): Tensor =>
  double
    ? { type: 'float64', dims, data: Float64Array.from(data) }
    : { type: 'float32', dims, data: Float32Array.from(data) };

function read(name: string) {
  const golden = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Golden;
  const model = decodeModel(readFileSync(new URL(`${name}.onnx`, folder)));
  expect(model.opsets.get('')).toBe(golden.opset);
  return { golden, model };
}

describe.each(names)('%s, as PyTorch exports it', (name) => {
  const double = name.includes('double');

  it('gives the values of before, and of PyTorch', async () => {
    const { golden, model } = read(name);
    const { graph, opsets } = normalize(model);
    const after = await outputsOf(runtime, around(graph, opsets), { x: tensorOf(golden.x) });
    expect(difference(after['y'], tensorOf(golden.y))).toBeLessThan(2e-5);
    // Old opsets have few kernels for doubles.
    if (double) return;
    const before = await outputsOf(runtime, model, { x: tensorOf(golden.x) });
    expect(difference(before['y'], after['y'])).toBeLessThanOrEqual(2e-6);
  });

  it('keeps every initializer and does not change the model', () => {
    const { model } = read(name);
    const copy = structuredClone(model);
    const { graph } = normalize(model);
    expect(model).toEqual(copy);
    for (const [initializer, tensor] of model.graph.initializers) {
      if (double) expect(graph.initializers.get(initializer)?.dims).toEqual(tensor.dims);
      else expect(graph.initializers.get(initializer)).toBe(tensor);
    }
    expect(graph.inputs.map((input) => input.name)).toEqual(['x']);
    expect(graph.outputs.map((output) => output.name)).toEqual(['y']);
  });

  it('keeps every value by name', () => {
    const { model } = read(name);
    const { graph } = normalize(model);
    const made = new Set([
      ...graph.initializers.keys(),
      ...graph.nodes.flatMap((node) => node.outputs),
    ]);
    const lost = model.graph.nodes.flatMap((node) => node.outputs).filter((v) => !made.has(v));
    expect(lost).toEqual([]);
  });

  it('does not change when normalized again', () => {
    const { model } = read(name);
    const { graph, opsets } = normalize(model);
    const again = normalize(around(graph, opsets));
    expect(again.changes).toEqual([]);
    expect(again.graph).toEqual(graph);
  });
});

it("keeps float64 with 'keep'", async () => {
  const { golden, model } = read('block-double-10');
  const { graph, opsets } = normalize(model, { float64: 'keep' });
  const result = await outputsOf(runtime, around(graph, opsets), { x: tensorOf(golden.x, true) });
  expect(difference(result['y'], tensorOf(golden.y, true))).toBeLessThan(1e-12);
});
