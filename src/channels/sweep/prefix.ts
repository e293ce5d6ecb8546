import { batches, type Dataset } from '../../data/index.ts';
import { sizeOf, type Graph, type Tensor, type TensorOf } from '../../onnx/index.ts';
import type { Runtime, Session } from '../../runtime/index.ts';
import { openSession, fixedBatchSize, inferenceBatchSize } from '../../train/index.ts';

type Floats = TensorOf<'float32'>;

export interface PrefixSettings {
  /** How many samples' values are given together. */
  readonly batchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What some samples in a row make of the values. */
export interface Chunk {
  readonly values: Record<string, Tensor>;
  /** How many are samples: a graph of one batch size has its last batch filled up. */
  readonly count: number;
}

/** Many: what follows a site is small, and runs on all of them at once. */
const CHUNK = 500;

/** Runs the network up to some values over a data set, chunk by chunk. The values may be kept. */
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
    const atOnce = rows ?? inferenceBatchSize(dataset.sample);
    for await (const batch of batches(dataset, { batchSize, pad: rows !== undefined })) {
      settings.signal?.throwIfAborted();
      const x: Floats = { type: 'float32', dims: batch.dims, data: batch.x };
      const values = await inParts(session, input, x, atOnce);
      // The batch's own buffer is used again.
      const own = outputs.includes(input) && { [input]: { ...x, data: x.data.slice() } };
      yield { values: { ...values, ...own }, count: batch.count };
    }
  } finally {
    await session.dispose();
  }
}

/** Runs so many samples at a time, and puts what comes out of them together. */
async function inParts(
  session: Session,
  input: string,
  x: Floats,
  atOnce: number,
): Promise<Record<string, Tensor>> {
  const { type, data } = x;
  const [rows = 0, ...sample] = x.dims;
  const each = sizeOf(sample);
  const parts: Record<string, Tensor>[] = [];
  for (let from = 0; from < rows; from += atOnce) {
    const count = Math.min(atOnce, rows - from);
    const part = data.subarray(from * each, (from + count) * each);
    const values = await session.run({ [input]: { type, dims: [count, ...sample], data: part } });
    if (count === rows) return values;
    // What is no value of each sample, as a shape is, cannot be put together.
    if (!Object.values(values).every((value) => isBySample(value, count))) {
      return session.run({ [input]: x });
    }
    parts.push(values);
  }
  const names = Object.keys(parts[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, stacked(parts.map((part) => part[name] as Floats))]),
  );
}

function isBySample({ type, dims }: Tensor, count: number): boolean {
  return type === 'float32' && dims[0] === count;
}

/** Tensors put together along their first axis. */
function stacked(tensors: readonly Floats[]): Floats {
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
