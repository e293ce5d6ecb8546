import { subset, type Dataset } from '../../data/dataset.ts';
import { sizeOf } from '../../onnx/tensor.ts';
import { triggered } from '../attacks/poison.ts';
import type { Trigger } from './trigger.ts';

/** Samples without and with a trigger, bit for bit as in training and testing. */
export interface Preview {
  /** The places of the samples in the data. */
  readonly indices: readonly number[];
  /** The samples one after another, row-major. */
  readonly clean: Float32Array;
  readonly triggered: Float32Array;
}

/**
 * Takes the first samples of each class in turn, and stamps them.
 *
 * @throws TriggerError where the trigger does not fit the samples
 */
export async function previewOf(
  dataset: Dataset,
  trigger: Trigger,
  count: number,
): Promise<Preview> {
  const places = dataset.classes.map((_, label) =>
    [...dataset.labels.keys()].filter((index) => dataset.labels[index] === label),
  );
  const largest = Math.max(...places.map(({ length }) => length));
  const turns = Array.from({ length: Math.min(largest, count) }, (_, turn) =>
    places.flatMap((own) => own.slice(turn, turn + 1)),
  );
  const indices = turns.flat().slice(0, count);
  const chosen = subset(dataset, indices);
  const read = async (from: Dataset) => {
    const x = new Float32Array(indices.length * sizeOf(dataset.sample));
    await from.read([...indices.keys()], x);
    return x;
  };
  return { indices, clean: await read(chosen), triggered: await read(triggered(chosen, trigger)) };
}
