import { Builder, downstream, modelOf, OPSET, type ValueType } from '../src/graph/index.ts';
import { float32, sizeOf } from '../src/onnx/index.ts';
import { type Runtime, trace } from '../src/runtime/index.ts';
import { type BenchNetwork, inputOf, picturesOf, trainedIn } from './networks/index.ts';

/**
 * Floating-point operations of the layers of one training step, by their definition: a multiply-add for
 * each weight and position, in the forward pass, for the weight gradient, and for the input gradient where
 * an earlier layer is trained. Algorithms that need fewer operations can exceed the peak.
 */
export async function flopsOf(runtime: Runtime, network: BenchNetwork): Promise<number> {
  const { graph } = network.build();
  const { graph: whole, values } = await trace(runtime, graph, OPSET, {
    [inputOf(graph)]: picturesOf(network),
  });
  const dims = (value: string) => (values.get(value) as ValueType).dims;
  const trained = downstream(whole, trainedIn(graph));
  let flops = 0;
  for (const { op, inputs, outputs } of whole.nodes) {
    if (op !== 'Conv' && op !== 'Gemm' && op !== 'MatMul') continue;
    const [x, w] = inputs as [string, string];
    const made = dims(outputs[0] as string);
    const weights = sizeOf(dims(w));
    // Each weight is used once for each image and position; dims of Conv are [images, units, ...positions].
    const places = op === 'Conv' ? sizeOf(made) / (made[1] as number) : sizeOf(made.slice(0, -1));
    flops += 2 * weights * places * (trained.has(x) ? 3 : 2);
  }
  return flops;
}

/** The peak of this machine in a large matrix product, in FLOP/s. */
export async function peakOf(runtime: Runtime): Promise<number> {
  const [size, products] = [1024, 3];
  const b = new Builder();
  const [first, second] = [
    b.input('a', 'float32', [size, size]),
    b.input('b', 'float32', [size, size]),
  ];
  let product = first;
  for (let count = 0; count < products; count += 1) product = b.op('MatMul', [product, second]);
  const largest = b.op('ReduceMax', [product], { keepdims: 0 });
  const session = await runtime.open(modelOf(b.build([{ name: largest }])));
  const matrix = float32([size, size], new Float32Array(size * size).fill(1 / size));
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 8; run += 1) {
    const start = performance.now();
    await session.run({ a: matrix, b: matrix });
    least = Math.min(least, performance.now() - start);
  }
  await session.dispose();
  return (products * 2 * size ** 3 * 1000) / least;
}
