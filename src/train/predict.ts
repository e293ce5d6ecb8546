import { batches, type Dataset } from '../data/index.ts';
import { modelOf, subgraph } from '../graph/index.ts';
import { sizeOf, type Graph, type TensorOf } from '../onnx/index.ts';
import type { Runtime, Session, SessionOptions } from '../runtime/index.ts';
import { memoryOptions } from './memory-options.ts';

export interface OutputSettings {
  readonly input: string;
  /** The values to compute. */
  readonly outputs: readonly string[];
  /** Whether the weights change after few samples, see `memoryOptions`; default: they do not. */
  readonly shortLived?: boolean | undefined;
  readonly session?: SessionOptions | undefined;
}

/** The one batch size that a graph takes, where its input says one. */
export function fixedBatchSize(graph: Graph, input: string): number | undefined {
  const rows = graph.inputs.find(({ name }) => name === input)?.dims?.[0];
  return typeof rows === 'number' ? rows : undefined;
}

/** Elements of the samples that are run at once: activations are many times as large. */
const MAX_ELEMENTS = 2 ** 18;
/** Samples that are run at once at least, so that weights are not read for each alone, and at most. */
const [MIN_SAMPLES, MAX_SAMPLES] = [4, 250];

/** How many samples to run at once: fewer of large ones, whose activations would fill the memory. */
export function inferenceBatchSize(sample: readonly number[]): number {
  return Math.max(MIN_SAMPLES, Math.min(MAX_SAMPLES, Math.floor(MAX_ELEMENTS / sizeOf(sample))));
}

/** A session that computes some values of a graph from its weights as constants. */
export function openSession(
  runtime: Runtime,
  graph: Graph,
  settings: OutputSettings,
): Promise<Session> {
  const outputs = settings.outputs.map((name) => ({ name }));
  const needed = subgraph(graph, [], outputs);
  const frugal = memoryOptions(needed.initializers.values(), settings.shortLived);
  return runtime.open(modelOf(needed), { ...frugal, ...settings.session });
}

/**
 * Runs a graph over a whole data set; one that takes a single batch size has its last batch filled up.
 *
 * @returns for each output its values for all samples, one array with dims [samples, ...]
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

/** The index of the largest value of each row; the first, where several are equal. */
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

/** The class that a classifier gives each sample of a data set. */
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
