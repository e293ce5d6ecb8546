import { type Dataset, random, take } from '../../data/index.ts';
import type { Network } from '../../network/index.ts';
import { type Graph, sizeOf, type TensorOf } from '../../onnx/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { argmax, fixedBatchSize, openSession } from '../../train/index.ts';

/** Samples in memory, with the class that the network says of each. */
export interface Samples {
  /** Dims [count, ...sample]. */
  readonly x: Float32Array;
  readonly called: Int32Array;
}

/** Clean samples: half to search on, and half that judges what was found. */
export interface ScanSamples {
  readonly search: Samples;
  readonly judge: Samples;
}

/** Most samples that a scan reads, and most bytes that they may take. */
const [MOST, BYTES] = [3000, 2 ** 28];
/** Samples of a run. */
const ROWS = 100;

/** Says the class of samples in memory. The session stays open until `dispose`. */
export interface Predictor {
  predict(x: Float32Array): Promise<Int32Array>;
  dispose(): Promise<void>;
}

export async function openPredictor(
  runtime: Runtime,
  graph: Graph,
  { input, scores }: Pick<Network, 'input' | 'scores'>,
  sample: readonly number[],
): Promise<Predictor> {
  const session = await openSession(runtime, graph, { input, outputs: [scores] });
  const rows = fixedBatchSize(graph, input);
  const each = sizeOf(sample);
  return {
    async predict(x) {
      const count = x.length / each;
      const called = new Int32Array(count);
      const size = rows ?? Math.min(ROWS, count);
      for (let from = 0; from < count; from += size) {
        const here = Math.min(size, count - from);
        const part = new Float32Array((rows ?? here) * each);
        part.set(x.subarray(from * each, (from + here) * each));
        const results = await session.run({
          [input]: { type: 'float32', dims: [rows ?? here, ...sample], data: part },
        });
        called.set(argmax(results[scores] as TensorOf<'float32'>).subarray(0, here), from);
      }
      return called;
    },
    dispose: () => session.dispose(),
  };
}

/** Draws the samples of a scan, and asks the network what they are: no label is used. */
export async function readSamples(
  dataset: Dataset,
  predictor: Predictor,
  seed: number,
): Promise<ScanSamples> {
  const each = sizeOf(dataset.sample);
  const count = Math.min(dataset.length, MOST, Math.max(2, Math.floor(BYTES / (4 * each))));
  const drawn = take(dataset, count, seed);
  const x = new Float32Array(count * each);
  const order = random(seed, 'scan/samples').shuffle(
    Uint32Array.from({ length: count }, (_, i) => i),
  );
  await drawn.read(order, x);
  const called = await predictor.predict(x);
  const half = Math.ceil(count / 2);
  const part = (from: number, to: number): Samples => ({
    x: x.subarray(from * each, to * each),
    called: called.subarray(from, to),
  });
  return { search: part(0, half), judge: part(half, count) };
}
