import { subset, type Dataset } from '../../data/dataset.ts';
import { sizeOf } from '../../onnx/tensor.ts';
import { triggered } from '../attacks/poison.ts';
import type { Trigger } from './trigger.ts';

/** Samples without and with a trigger, to the bit as training and testing get them. */
export interface Preview {
  /** Which samples of the data they are. */
  readonly indices: readonly number[];
  /** One after another, row-major. */
  readonly clean: Float32Array;
  readonly triggered: Float32Array;
}

/**
 * The first samples of each class, by turns.
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
  const deepest = Math.max(...places.map(({ length }) => length));
  const turns = Array.from({ length: Math.min(deepest, count) }, (_, turn) =>
    places.flatMap((own) => own.slice(turn, turn + 1)),
  );
  const indices = turns.flat().slice(0, count);
  const some = subset(dataset, indices);
  const read = async (from: Dataset) => {
    const x = new Float32Array(indices.length * sizeOf(dataset.sample));
    await from.read([...indices.keys()], x);
    return x;
  };
  return { indices, clean: await read(some), triggered: await read(triggered(some, trigger)) };
}
