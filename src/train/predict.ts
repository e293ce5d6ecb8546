import { batches, type Dataset } from '../data/index.ts';
import { modelOf, subgraph } from '../graph/index.ts';
import { sizeOf, type Graph, type TensorOf } from '../onnx/index.ts';
import type { Runtime, Session, SessionOptions } from '../runtime/index.ts';
import { memoryOptions } from './memory-options.ts';

export interface OutputSettings {
  readonly input: string;
  /** Names of the values to compute. */
  readonly outputs: readonly string[];
  /** Whether the session runs only few samples, see `memoryOptions`; default false. */
  readonly shortLived?: boolean | undefined;
  readonly session?: SessionOptions | undefined;
}

/** The batch size of a graph whose input has a fixed one; undefined where any size fits. */
export function fixedBatchSize(graph: Graph, input: string): number | undefined {
  const rows = graph.inputs.find(({ name }) => name === input)?.dims?.[0];
  return typeof rows === 'number' ? rows : undefined;
}

/** Elements of all samples of a batch: activations are many times as large. */
const MAX_ELEMENTS = 2 ** 18;
/** Bounds of the batch size. Very small batches read the weights too often. */
const [MIN_SAMPLES, MAX_SAMPLES] = [4, 250];

/** The batch size for inference: smaller for large samples, whose activations need more memory. */
export function inferenceBatchSize(sample: readonly number[]): number {
  return Math.max(MIN_SAMPLES, Math.min(MAX_SAMPLES, Math.floor(MAX_ELEMENTS / sizeOf(sample))));
}

/** Opens a session that computes some values of a graph. The weights are constants in it. */
export function openSession(
  runtime: Runtime,
  graph: Graph,
  settings: OutputSettings,
): Promise<Session> {
  const outputs = settings.outputs.map((name) => ({ name }));
  const needed = subgraph(graph, [], outputs);
  const memory = memoryOptions(needed.initializers.values(), settings.shortLived);
  return runtime.open(modelOf(needed), { ...memory, ...settings.session });
}

/**
 * Runs a graph on a whole data set. The last batch is padded where the graph has a fixed batch size.
 *
 * @returns for each output one tensor with dims [samples, ...]
 */
export async function computeOutputs(
  runtime: Runtime,
  graph: Graph,
  dataset: Dataset,
  settings: OutputSettings & {
    readonly batchSize?: number | undefined;
    readonly signal?: AbortSignal | undefined;
    /** Told after each batch, in samples. */
    readonly onProgress?: ((done: number, all: number) => void) | undefined;
  },
): Promise<Record<string, TensorOf<'float32'>>> {
  const session = await openSession(runtime, graph, settings);
  const rows = fixedBatchSize(graph, settings.input);
  try {
    const whole: Record<string, TensorOf<'float32'>> = {};
    let at = 0;
    for await (const batch of batches(dataset, {
      batchSize: rows ?? settings.batchSize ?? inferenceBatchSize(dataset.sample),
      pad: rows !== undefined,
    })) {
      settings.signal?.throwIfAborted();
      const results = await session.run({
        [settings.input]: { type: 'float32', dims: batch.dims, data: batch.x },
      });
      for (const name of settings.outputs) {
        const { dims, data } = results[name] as TensorOf<'float32'>;
        const each = sizeOf(dims.slice(1));
        const into = (whole[name] ??= {
          type: 'float32',
          dims: [dataset.length, ...dims.slice(1)],
          data: new Float32Array(dataset.length * each),
        });
        into.data.set(data.subarray(0, batch.count * each), at * each);
      }
      at += batch.count;
      settings.onProgress?.(at, dataset.length);
    }
    return whole;
  } finally {
    await session.dispose();
  }
}

/** The index of the largest value in each row; the first of equal ones. */
export function argmax({ dims, data }: TensorOf<'float32'>): Int32Array {
  const [rows, width] = dims as [number, number];
  const best = new Int32Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const start = row * width;
    for (let column = 1; column < width; column += 1) {
      if ((data[start + column] as number) > (data[start + (best[row] as number)] as number)) {
        best[row] = column;
      }
    }
  }
  return best;
}

/** The class that a classifier predicts for each sample of a data set. */
export async function predict(
  runtime: Runtime,
  graph: Graph,
  dataset: Dataset,
  settings: {
    readonly input: string;
    readonly logits: string;
    readonly shortLived?: boolean | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Int32Array> {
  const { input, logits, ...rest } = settings;
  const results = await computeOutputs(runtime, graph, dataset, {
    input,
    outputs: [logits],
    ...rest,
  });
  return argmax(results[logits] as TensorOf<'float32'>);
}
