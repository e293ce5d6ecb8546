import { batches, type Dataset } from '../../data/index.ts';
import { sizeOf, type Graph, type Tensor, type TensorOf } from '../../onnx/index.ts';
import type { Runtime, Session } from '../../runtime/index.ts';
import { openSession, fixedBatchSize, inferenceBatchSize } from '../../train/index.ts';

type Floats = TensorOf<'float32'>;

export interface PrefixSettings {
  /** How many samples make a chunk; default 500. */
  readonly batchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The values for some consecutive samples. */
export interface Chunk {
  readonly values: Record<string, Tensor>;
  /** How many rows are samples: a graph with a fixed batch size has its last batch padded. */
  readonly count: number;
}

/** Large, since the graph after a site is small and runs on a whole chunk at once. */
const CHUNK = 500;

/** Runs the network up to some values over a data set, chunk by chunk. The caller may keep the values. */
export async function* prefix(
  runtime: Runtime,
  graph: Graph,
  input: string,
  outputs: readonly string[],
  dataset: Dataset,
  settings: PrefixSettings,
): AsyncGenerator<Chunk, void, undefined> {
  const made = [...new Set(outputs.filter((name) => name !== input))];
  const session = await openSession(runtime, graph, { input, outputs: made });
  try {
    const rows = fixedBatchSize(graph, input);
    const batchSize = rows ?? settings.batchSize ?? CHUNK;
    const runSize = rows ?? inferenceBatchSize(dataset.sample);
    for await (const batch of batches(dataset, { batchSize, pad: rows !== undefined })) {
      settings.signal?.throwIfAborted();
      const x: Floats = { type: 'float32', dims: batch.dims, data: batch.x };
      const values = await runInParts(session, input, x, runSize);
      // The buffer of the batch is reused for the next one.
      const own = outputs.includes(input) && { [input]: { ...x, data: x.data.slice() } };
      yield { values: { ...values, ...own }, count: batch.count };
    }
  } finally {
    await session.dispose();
  }
}

/** Runs some samples at a time and concatenates the results. */
async function runInParts(
  session: Session,
  input: string,
  x: Floats,
  runSize: number,
): Promise<Record<string, Tensor>> {
  const { type, data } = x;
  const [rows = 0, ...sample] = x.dims;
  const each = sizeOf(sample);
  const parts: Record<string, Tensor>[] = [];
  for (let from = 0; from < rows; from += runSize) {
    const count = Math.min(runSize, rows - from);
    const part = data.subarray(from * each, (from + count) * each);
    const values = await session.run({ [input]: { type, dims: [count, ...sample], data: part } });
    if (count === rows) return values;
    // A value without a row for each sample, such as a shape, cannot be concatenated.
    if (!Object.values(values).every((value) => hasSampleRows(value, count))) {
      return session.run({ [input]: x });
    }
    parts.push(values);
  }
  const names = Object.keys(parts[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, concatenated(parts.map((part) => part[name] as Floats))]),
  );
}

function hasSampleRows({ type, dims }: Tensor, count: number): boolean {
  return type === 'float32' && dims[0] === count;
}

/** Concatenates tensors along the first axis. */
function concatenated(tensors: readonly Floats[]): Floats {
  const rows = tensors.reduce((sum, { dims }) => sum + (dims[0] as number), 0);
  const dims = [rows, ...(tensors[0] as Floats).dims.slice(1)];
  const data = new Float32Array(sizeOf(dims));
  let at = 0;
  for (const part of tensors) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { type: 'float32', dims, data };
}
