import { expect, test } from 'vitest';
import { normal, testRuntime } from '../../test/helpers/gradcheck.ts';
import { appendGradients } from '../autodiff/index.ts';
import { Builder, modelOf, OPSET } from '../graph/index.ts';
import { float32, type TensorOf } from '../onnx/index.ts';
import { trace } from '../runtime/index.ts';

const [UNITS, CHANNELS, KERNEL, SIDE] = [16, 3, 5, 64];
const w = normal([UNITS, CHANNELS, KERNEL, KERNEL], 1);

/** dL/dW of L = Σ y² for a convolution y of some images. */
async function gradientOf(images: Float32Array) {
  const runtime = await testRuntime();
  const dims = [images.length / (CHANNELS * SIDE * SIDE), CHANNELS, SIDE, SIDE];
  const feeds = { x: float32(dims, images) };
  const b = new Builder();
  b.input('x', 'float32', dims);
  b.initializer('w', float32(w.dims, w.data));
  const y = b.op('Conv', ['x', 'w'], { pads: [2, 2, 2, 2] });
  const loss = b.op('ReduceSum', [b.op('Mul', [y, y])], { keepdims: 0 });
  const traced = await trace(runtime, b.build([{ name: loss }]), OPSET, feeds, ['w']);
  const reverse = new Builder(traced.graph);
  const name = appendGradients(reverse, traced, loss, ['w']).get('w') as string;
  const graph = reverse.build([{ name }]);
  const session = await runtime.open(modelOf(graph));
  const got = (await session.run(feeds))[name] as TensorOf<'float32'>;
  await session.dispose();
  const unfolded = graph.nodes.filter(({ op }) => op === 'MatMul').length;
  return { gradient: got.data, unfolded };
}

test('images that are unfolded in parts add up to what each alone gives', async () => {
  const count = 16;
  const { data } = normal([count, CHANNELS, SIDE, SIDE], 2);
  const images = Float32Array.from(data);
  const whole = await gradientOf(images);
  expect(whole.unfolded).toBe(2);
  const sum = new Float64Array(w.data.length);
  for (let image = 0; image < count; image += 1) {
    const size = images.length / count;
    const one = await gradientOf(images.slice(image * size, (image + 1) * size));
    expect(one.unfolded).toBe(1);
    one.gradient.forEach((value, at) => (sum[at] = (sum[at] as number) + value));
  }
  const largest = Math.max(...sum.map(Math.abs));
  const error = Math.max(
    ...whole.gradient.map((value, at) => Math.abs(value - (sum[at] as number))),
  );
  expect(error / largest).toBeLessThan(1e-5);
});
