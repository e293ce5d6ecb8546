import { sizeOf } from '../onnx/tensor.ts';
import { checkRead } from './checks.ts';
import type { Dataset } from './dataset.ts';
import { DataError } from './error.ts';
import { featureDataset } from './audio/feature-dataset.ts';
import { sampleEncoder, type SampleEncoder, type EncoderOptions } from './sample-encoder.ts';
import type { Classes } from './classes.ts';
import type { Source } from './formats/source.ts';

export interface PrepareOptions extends EncoderOptions {
  /** Whether to leave out samples that cannot be read; otherwise they are an error. */
  readonly skipBad?: boolean | undefined;
  /** Largest data set in bytes to cache in memory; a larger one is decoded at every read. Default 256 MB. */
  readonly budget?: number | undefined;
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A data set that fits a network, and the samples that were left out. */
export interface Prepared {
  readonly dataset: Dataset;
  /** Each sample that could not be read, and why. */
  readonly bad: readonly string[];
}

const BUDGET = 2 ** 28;
/** How many samples are decoded at the same time. */
const CHUNK = 16;

/**
 * Converts the samples of a source to the input of a network. It decodes every sample once, so that bad ones
 * are known before any work. Samples are cached if all of them fit in `budget`.
 *
 * @throws DataError `data/unreadable`, which names and counts the samples that cannot be read;
 *   `data/empty`, `data/shape`, `data/preprocess`
 */
export async function prepare(
  source: Source,
  { classes, indexOf }: Classes,
  options: PrepareOptions,
): Promise<Prepared> {
  const { signal, onProgress, skipBad = false, budget = BUDGET } = options;
  const all = source.labels.length;
  const bad: string[] = [];
  const good: number[] = [];
  let encoder: SampleEncoder | undefined;
  let kept: Uint8Array | Float32Array | undefined;
  let size = 0;
  for (let start = 0; start < all; start += CHUNK) {
    signal?.throwIfAborted();
    const chunk = Array.from({ length: Math.min(CHUNK, all - start) }, (_, i) => start + i);
    const raws = await Promise.all(chunk.map((index) => attempt(() => source.read(index))));
    for (const [i, raw] of raws.entries()) {
      const index = chunk[i] as number;
      if (encoder === undefined && !(raw instanceof Error)) {
        encoder = sampleEncoder(raw, options);
        size = sizeOf(encoder.sample);
        if (size * all * (encoder.bytes ? 1 : 4) <= budget) {
          kept = encoder.bytes ? new Uint8Array(size * all) : new Float32Array(size * all);
        }
      }
      const stored =
        raw instanceof Error
          ? raw
          : await attempt(async () => (encoder as SampleEncoder).store(raw));
      if (stored instanceof Error) {
        const where = source.where(index);
        bad.push(stored.message.startsWith(where) ? stored.message : `${where}: ${stored.message}`);
      } else {
        kept?.set(stored, good.length * size);
        good.push(index);
      }
    }
    onProgress?.(Math.min(start + CHUNK, all), all);
  }
  if (encoder === undefined || (bad.length > 0 && !skipBad)) throw unreadable(source, bad, skipBad);
  const labels = Int32Array.from(good, (index) =>
    source.unlabeled ? 0 : indexOf(source.labels[index] as string),
  );
  const read = kept ? fromMemory(encoder, kept) : onDemand(encoder, source, good);
  const dataset: Dataset = {
    name: source.name,
    length: good.length,
    classes,
    sample: encoder.sample,
    labels,
    unlabeled: source.unlabeled,
    pictures: encoder.pictures,
    async read(indices, into) {
      checkRead(source.name, good.length, size, indices, into);
      await read(indices, into);
    },
  };
  return { dataset: encoder.features ? featureDataset(dataset, encoder.features) : dataset, bad };
}

type Read = Dataset['read'];

function fromMemory(encoder: SampleEncoder, kept: Uint8Array | Float32Array): Read {
  const size = sizeOf(encoder.sample);
  return async (indices, into) => {
    for (let row = 0; row < indices.length; row += 1) {
      const from = (indices[row] as number) * size;
      encoder.write(kept.subarray(from, from + size), into.subarray(row * size, (row + 1) * size));
    }
  };
}

function onDemand(encoder: SampleEncoder, source: Source, good: readonly number[]): Read {
  const size = sizeOf(encoder.sample);
  const one = async (index: number, into: Float32Array) => {
    const at = good[index] as number;
    try {
      encoder.write(encoder.store(await source.read(at)), into);
    } catch (cause) {
      throw new DataError(
        'data/unreadable',
        `${source.where(at)} can no longer be read (${(cause as Error).message}): did the data change?`,
        { cause },
      );
    }
  };
  return async (indices, into) => {
    for (let start = 0; start < indices.length; start += CHUNK) {
      const rows = Array.from(
        { length: Math.min(CHUNK, indices.length - start) },
        (_, i) => start + i,
      );
      await Promise.all(
        rows.map((row) => one(indices[row] as number, into.subarray(row * size, (row + 1) * size))),
      );
    }
  };
}

async function attempt<T>(work: () => Promise<T>): Promise<T | Error> {
  try {
    return await work();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const NAMED = 10;

function unreadable(source: Source, bad: readonly string[], skipBad: boolean): DataError {
  const more = bad.length > NAMED ? [`and ${bad.length - NAMED} more`] : [];
  const list = [...bad.slice(0, NAMED), ...more].map((line) => `\n  ${line}`).join('');
  const all = source.labels.length;
  return new DataError(
    'data/unreadable',
    `${source.name}: ${bad.length} of ${all} samples cannot be read:${list}\n${
      skipBad ? 'None is left' : 'Repair or remove them, or leave them out with --skip-bad'
    }`,
  );
}
