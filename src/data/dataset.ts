import { sizeOf } from '../onnx/tensor.ts';
import { checkIndices, checkRead } from './checks.ts';
import type { SceneObject } from './scenes/boxes.ts';
import { DataError } from './error.ts';
import type { SoundFeatures } from './audio/features.ts';
import type { PictureCode } from './images/picture-code.ts';

/** Labeled samples of one shape, read on demand. */
export interface Dataset {
  /** For example 'mnist/train'. */
  readonly name: string;
  readonly length: number;
  /** The name of each class; a label is an index into it. */
  readonly classes: readonly string[];
  /** The dims of one sample, without the batch: [1, 28, 28]. */
  readonly sample: readonly number[];
  /** The true label of each sample; for a scene with several objects their rarest class. */
  readonly labels: Int32Array;
  /** The data have no labels: `labels` are zeros, or a network's own answers. */
  readonly unlabeled?: true | undefined;
  /** Only if samples are scenes: the objects of each, in pixels of the sample. */
  readonly objects?: readonly (readonly SceneObject[])[] | undefined;
  /**
   * Only if samples are images: their layout and scale. Without it, samples of three dims are taken for
   * images [channels, height, width] in 0 to 1.
   */
  readonly pictures?: PictureCode | undefined;
  /** Only if samples are features of sound: the waveforms that they are computed from. */
  readonly sounds?: Sounds | undefined;
  /**
   * Writes the samples at `indices` one after another into `into`, row-major. `into` may be longer
   * than needed; the rest is not changed.
   *
   * @throws DataError `data/index` for an index outside the data or an `into` that is too short.
   */
  read(indices: ArrayLike<number>, into: Float32Array): Promise<void>;
}

/** Features of sound, and the waveforms that they are computed from. */
export interface Sounds {
  /** The same samples in the same order. */
  readonly waves: Dataset;
  readonly features: SoundFeatures;
}

/**
 * A data set in memory. `data` has length * size-of-sample elements and is not copied. `read` divides
 * values by `divisor` (255 turns pixels into [0, 1]), so that bytes stay bytes in memory.
 *
 * @throws DataError `data/size` if data and labels do not fit together, `data/label` for a label that is
 *   not a class.
 */
export function arrayDataset(parts: {
  readonly name: string;
  readonly classes: readonly string[];
  readonly sample: readonly number[];
  readonly labels: Int32Array;
  readonly data: Float32Array | Uint8Array;
  /** Default 1. */
  readonly divisor?: number | undefined;
}): Dataset {
  const { name, classes, sample, labels, data, divisor = 1 } = parts;
  const { length } = labels;
  const size = sizeOf(sample);
  if (data.length !== length * size) {
    throw new DataError(
      'data/size',
      `${name}: ${length} samples of [${sample.join(', ')}] need ${length * size} values, ` +
        `but there are ${data.length}`,
    );
  }
  checkLabels(name, labels, classes.length);
  const copy = copier(data, size, divisor);
  return {
    name,
    length,
    classes,
    sample,
    labels,
    async read(indices, into) {
      checkRead(parts.name, length, size, indices, into);
      for (let row = 0; row < indices.length; row++) copy(indices[row] as number, into, row * size);
    },
  };
}

type Copy = (index: number, into: Float32Array, at: number) => void;

function copier(data: Float32Array | Uint8Array, size: number, divisor: number): Copy {
  if (data instanceof Float32Array && divisor === 1) {
    return (index, into, at) => into.set(data.subarray(index * size, (index + 1) * size), at);
  }
  if (data instanceof Uint8Array) {
    const table = Float32Array.from({ length: 256 }, (_, byte) => byte / divisor);
    return (index, into, at) => {
      const from = index * size;
      for (let i = 0; i < size; i++) into[at + i] = table[data[from + i] as number] as number;
    };
  }
  return (index, into, at) => {
    const from = index * size;
    for (let i = 0; i < size; i++) into[at + i] = (data[from + i] as number) / divisor;
  };
}

/** The samples at `indices` of another data set, in that order. */
export function subset(dataset: Dataset, indices: ArrayLike<number>, name?: string): Dataset {
  const chosen = Uint32Array.from(indices);
  checkIndices(dataset.name, dataset.length, indices);
  return {
    ...dataset,
    ...withWaves(dataset, (waves) => subset(waves, chosen)),
    name: name ?? dataset.name,
    length: chosen.length,
    labels: Int32Array.from(chosen, (index) => dataset.labels[index] as number),
    ...(dataset.objects && {
      objects: Array.from(chosen, (index) => dataset.objects?.[index] ?? []),
    }),
    async read(indices, into) {
      checkIndices(name ?? dataset.name, chosen.length, indices);
      const inner = new Uint32Array(indices.length);
      for (let row = 0; row < inner.length; row++) {
        inner[row] = chosen[indices[row] as number] as number;
      }
      await dataset.read(inner, into);
    },
  };
}

/**
 * Concatenates data sets with the same classes and sample dims.
 *
 * @throws DataError `data/mismatch` if classes or dims differ, or if none is given.
 */
export function concat(datasets: readonly Dataset[], name?: string): Dataset {
  const [first] = datasets;
  if (!first) throw new DataError('data/mismatch', 'no data set to concatenate: give at least one');
  for (const other of datasets) {
    if (shapeOf(other) !== shapeOf(first)) {
      throw new DataError(
        'data/mismatch',
        `${other.name} has ${shapeOf(other)} and ${first.name} has ${shapeOf(first)}: ` +
          'only data sets with the same classes and dims can be concatenated',
      );
    }
  }
  const size = sizeOf(first.sample);
  const length = datasets.reduce((sum, { length }) => sum + length, 0);
  const labels = new Int32Array(length);
  const starts: number[] = [];
  let at = 0;
  for (const dataset of datasets) {
    starts.push(at);
    labels.set(dataset.labels, at);
    at += dataset.length;
  }
  const whole = name ?? datasets.map(({ name }) => name).join('+');
  return {
    ...first,
    ...withWaves(first, () => concat(datasets.flatMap(({ sounds }) => sounds?.waves ?? []))),
    name: whole,
    length,
    labels,
    ...(first.objects && { objects: datasets.flatMap((each) => each.objects ?? []) }),
    async read(indices, into) {
      checkRead(whole, length, size, indices, into);
      // Consecutive indices into the same part are read in one call.
      for (let row = 0; row < indices.length;) {
        const part = starts.findLastIndex((start) => start <= (indices[row] as number));
        const start = starts[part] as number;
        const dataset = datasets[part] as Dataset;
        const inner: number[] = [];
        for (let i = row; i < indices.length; i++) {
          const index = (indices[i] as number) - start;
          if (index < 0 || index >= dataset.length) break;
          inner.push(index);
        }
        await dataset.read(inner, into.subarray(row * size));
        row += inner.length;
      }
    },
  };
}

/** The same samples with other labels. */
export function relabel(dataset: Dataset, labels: Int32Array, name = dataset.name): Dataset {
  if (labels.length !== dataset.length) {
    throw new DataError(
      'data/size',
      `${name}: ${labels.length} labels for ${dataset.length} samples`,
    );
  }
  checkLabels(name, labels, dataset.classes.length);
  return { ...dataset, name, labels, read: (indices, into) => dataset.read(indices, into) };
}

/**
 * Refuses data without labels, where accuracy is asked for.
 *
 * @throws DataError 'data/unlabeled'
 */
export function checkLabeled({ name, unlabeled }: Dataset): void {
  if (!unlabeled) return;
  throw new DataError(
    'data/unlabeled',
    `"${name}" has no labels, so that no accuracy can be measured: put the samples into a folder for each class; scan and defend take them as they are`,
  );
}

/** Applies to the waveforms, if there are any, the same change as to their data set. */
function withWaves(
  { sounds }: Dataset,
  change: (waves: Dataset) => Dataset,
): Pick<Dataset, 'sounds'> {
  return sounds ? { sounds: { ...sounds, waves: change(sounds.waves) } } : {};
}

const shapeOf = ({ classes, sample }: Dataset): string =>
  `${classes.length} classes (${classes.join(', ')}) of [${sample.join(', ')}]`;

function checkLabels(name: string, labels: Int32Array, classes: number): void {
  const bad = labels.findIndex((label) => label < 0 || label >= classes);
  if (bad >= 0) {
    throw new DataError(
      'data/label',
      `${name}: sample ${bad} has label ${labels[bad]}, but there are ${classes} classes`,
    );
  }
}
