import { expect, test } from 'vitest';
import { Builder, type Traced, type ValueType } from '../graph/index.ts';
import { float32 } from '../onnx/index.ts';
import { appendGradients } from './gradients.ts';

const BLOCK = 5;

/** A network of residual blocks, five nodes each, as tracing would give it. */
function networkOf(nodes: number): { traced: Traced; loss: string; parameters: string[] } {
  const b = new Builder();
  const values = new Map<string, ValueType>();
  const note = (name: string, dims: readonly number[]) => {
    values.set(name, { type: 'float32', dims });
    return name;
  };
  const image = [2, 4, 8, 8];
  const parameters: string[] = [];
  let x = note(b.input('x', 'float32', image), image);
  for (let made = 0; made + BLOCK < nodes; made += BLOCK) {
    const weight = (dims: readonly number[]) => {
      const tensor = float32(dims, new Float32Array(dims.reduce((size, dim) => size * dim, 1)));
      const name = note(b.initializer('weight', tensor), dims);
      parameters.push(name);
      return name;
    };
    const conv = { pads: [1, 1, 1, 1] };
    const first = note(b.op('Conv', [x, weight([4, 4, 3, 3]), weight([4])], conv), image);
    const scaled = note(b.op('Mul', [first, weight([4, 1, 1])]), image);
    const rectified = note(b.op('Relu', [scaled]), image);
    const second = note(b.op('Conv', [rectified, weight([4, 4, 1, 1])]), image);
    x = note(b.op('Add', [second, x]), image);
  }
  const loss = note(b.op('ReduceSum', [x], { keepdims: 0 }), []);
  return { traced: { graph: b.build([{ name: loss }]), values }, loss, parameters };
}

/** The fastest of some runs: what else the machine does only makes a run slower. */
function cost(nodes: number): { ms: number; made: number } {
  const { traced, loss, parameters } = networkOf(nodes);
  let ms = Infinity;
  let made = 0;
  for (let run = 0; run < 5; run++) {
    const started = performance.now();
    const builder = new Builder(traced.graph);
    appendGradients(builder, traced, loss, parameters);
    ms = Math.min(ms, performance.now() - started);
    made = builder.build([]).nodes.length - traced.graph.nodes.length;
  }
  return { ms, made };
}

test('a gradient graph costs time and nodes in proportion to the network', () => {
  cost(250);
  const small = cost(250);
  const large = cost(4000);
  // 16 times the nodes: 16 times the cost, where a quadratic one would be 256 times.
  expect(large.made / small.made).toBeCloseTo(16, 0);
  expect(large.ms / small.ms).toBeLessThan(80);
});
