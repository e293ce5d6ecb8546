import { sizeOf } from '../../../onnx/index.ts';

/**
 * How the elements of a sample lie: which place an element belongs to, and between which values. A place
 * is a pixel, a moment of sound, or a feature of a table; it has an element for each channel.
 */
export interface SampleLayout {
  readonly dims: readonly number[];
  readonly elements: number;
  readonly places: number;
  /** Dims of the places: those of the sample without the channels. */
  readonly placeDims: readonly number[];
  /** The place of each element. */
  readonly placeOf: Int32Array;
  /** The lowest and the highest value that clean samples have, for each element. */
  readonly low: Float32Array;
  readonly high: Float32Array;
}

/** Most channels that the first or the last axis of a sample may have to be one of channels. */
const MAX_CHANNELS = 4;

/**
 * Takes the layout from the dims, and the range of values from clean samples.
 *
 * @param dims - dims of one sample
 * @param samples - dims [count, ...dims]
 */
export function sampleLayout(dims: readonly number[], samples: Float32Array): SampleLayout {
  const elements = sizeOf(dims);
  const axis = channelAxis(dims);
  const channels = axis === undefined ? 1 : (dims[axis] as number);
  const inner = axis === undefined ? elements : sizeOf(dims.slice(axis + 1));
  const channelOf = (element: number) => Math.floor(element / inner) % channels;
  const placeOf = Int32Array.from({ length: elements }, (_, element) =>
    axis === undefined
      ? element
      : Math.floor(element / (inner * channels)) * inner + (element % inner),
  );
  // Each feature of a table has a range of its own; otherwise each channel has one.
  const groups = dims.length === 1 ? elements : channels;
  const groupOf = dims.length === 1 ? (element: number) => element : channelOf;
  const [lowest, highest] = [
    new Float32Array(groups).fill(Infinity),
    new Float32Array(groups).fill(-Infinity),
  ];
  for (let at = 0; at < samples.length; at += 1) {
    const group = groupOf(at % elements);
    const value = samples[at] as number;
    if (value < (lowest[group] as number)) lowest[group] = value;
    if (value > (highest[group] as number)) highest[group] = value;
  }
  const spread = (from: Float32Array) =>
    Float32Array.from({ length: elements }, (_, element) => from[groupOf(element)] as number);
  return {
    dims,
    elements,
    places: elements / channels,
    placeDims: axis === undefined ? dims : dims.filter((_, index) => index !== axis),
    placeOf,
    low: spread(lowest),
    high: spread(highest),
  };
}

/** The axis of channels: the first or the last one, if it is short. */
function channelAxis(dims: readonly number[]): number | undefined {
  if (dims.length < 2) return undefined;
  if ((dims[0] as number) <= MAX_CHANNELS) return 0;
  return (dims.at(-1) as number) <= MAX_CHANNELS ? dims.length - 1 : undefined;
}
