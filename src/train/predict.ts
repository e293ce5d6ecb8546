import { batches, type Dataset } from '../data/index.ts';
import { modelOf, subgraph } from '../graph/index.ts';
import { sizeOf, type Graph, type TensorOf } from '../onnx/index.ts';
import type { Runtime, Session, SessionOptions } from '../runtime/index.ts';

export interface OutputSettings {
  readonly input: string;
  /** The values to compute. */
  readonly outputs: readonly string[];
  readonly session?: SessionOptions;
}

/** How a graph is run over data. */
export interface RunSettings {
  readonly batchSize?: number;
  /** The one batch size that the graph takes: the last batch is filled up to it. */
  readonly rows?: number;
  readonly signal?: AbortSignal;
}

/** A session that computes some values of a graph from its weights as constants. */
export function open(runtime: Runtime, graph: Graph, settings: OutputSettings): Promise<Session> {
  const outputs = settings.outputs.map((name) => ({ name }));
  return runtime.open(modelOf(subgraph(graph, [], outputs)), settings.session);
}

/**
 * Runs a graph over a whole data set.
 *
 * @returns for each output its values for all samples, one array with dims [samples, ...]
 */
export async function outputsOf(
  runtime: Runtime,
  graph: Graph,
  dataset: Dataset,
  settings: OutputSettings & RunSettings,
): Promise<Record<string, TensorOf<'float32'>>> {
  const session = await open(runtime, graph, settings);
  try {
    const whole: Record<string, TensorOf<'float32'>> = {};
    let at = 0;
    for await (const batch of batches(dataset, {
      batchSize: settings.rows ?? settings.batchSize ?? 250,
      pad: settings.rows !== undefined,
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
  settings: { readonly input: string; readonly logits: string } & RunSettings,
): Promise<Int32Array> {
  const { input, logits, ...rest } = settings;
  const results = await outputsOf(runtime, graph, dataset, { input, outputs: [logits], ...rest });
  return argmax(results[logits] as TensorOf<'float32'>);
}
