import { appendGradients } from '../../src/autodiff/index.ts';
import { Builder, OPSET } from '../../src/graph/index.ts';
import { type Attributes, float32 } from '../../src/onnx/index.ts';
import { trace } from '../../src/runtime/index.ts';
import { modelOf, testRuntime } from './gradcheck.ts';

/** The input of an activation for a unit with a bias of -1e20, and its negative. */
export const FAR = [-1e20, -1e4, -100, 100, 1e4, 1e20];

/** The derivative dy/dx of an elementwise operator. */
export async function slopesAt(
  values: readonly number[],
  op: string,
  attributes: Attributes = {},
): Promise<number[]> {
  const runtime = await testRuntime();
  const forward = new Builder();
  const x = forward.input('x', 'float32', [values.length]);
  const y = forward.op(op, [x], attributes);
  const loss = forward.op('ReduceSum', [y], { keepdims: 0 });
  const feeds = { x: float32([values.length], values) };
  const traced = await trace(runtime, forward.build([{ name: loss }]), OPSET, feeds);
  const b = new Builder(traced.graph);
  const name = appendGradients(b, traced, loss, [x]).get(x) as string;
  const session = await runtime.open(modelOf(b.build([{ name }])));
  const results = await session.run(feeds);
  await session.dispose();
  return Array.from(results[name]?.data ?? [], Number);
}
