import { sizeOf } from '../onnx/tensor.ts';
import { DataError } from './error.ts';
import { center, inChannels, planesOf, type Picture } from './images/picture.ts';
import { pictureCode, type Layout, type PictureCode } from './images/picture-code.ts';
import { preset, type Preprocess } from './images/preprocess.ts';
import { resize } from './images/resize.ts';
import { featureDims, type SoundFeatures } from './audio/features.ts';
import { fitSound, fitTrimmed } from './audio/sound.ts';
import type { RawSample } from './formats/source.ts';
import type { Wave } from './audio/wav.ts';

/** The input format of a network, for one sample. */
export interface InputFormat {
  /** Dims without the batch; null for any size. */
  readonly dims: readonly (number | null)[];
  /** The order of the axes of a sample with three. */
  readonly layout: Layout;
  /** Whether it takes bytes, 0 to 255. */
  readonly bytes?: boolean | undefined;
}

export interface EncoderOptions {
  readonly input: InputFormat;
  /** Default: pixels are scaled to 0 to 1, or not changed for a network that takes bytes. */
  readonly preprocess?: Preprocess | undefined;
  /** The sample rate of the network in Hz; default: sound is not resampled. */
  readonly rate?: number | undefined;
  /** The features of sound that the network takes; default: the waveform. */
  readonly features?: SoundFeatures | undefined;
}

type Stored = Uint8Array | Float32Array;

/** Converts raw samples of one kind to samples of a network. */
export interface SampleEncoder {
  /** The dims of a sample. */
  readonly sample: readonly number[];
  readonly pictures?: PictureCode | undefined;
  /** The features to compute from the samples, which are waveforms. */
  readonly features?: SoundFeatures | undefined;
  /** Whether samples are stored as bytes, which is lossless for images. */
  readonly bytes: boolean;
  /** @throws Error for a raw sample of another kind than the first one */
  store(raw: RawSample): Stored;
  /** Writes a stored sample as the network takes it. */
  write(stored: Stored, into: Float32Array): void;
}

/**
 * Creates the encoder for samples of the same kind as the first one.
 *
 * @throws DataError `data/shape`, `data/preprocess` if they cannot be converted for the network
 */
export function sampleEncoder(first: RawSample, options: EncoderOptions): SampleEncoder {
  if (first.kind === 'picture') return pictureEncoder(first.picture, options);
  if (options.preprocess && (first.kind === 'sound' || first.dims.length < 2)) {
    throw new DataError(
      'data/preprocess',
      `--preprocess is for pictures, and the data are ${first.kind}: leave it out, and give them as the model takes them`,
    );
  }
  if (first.kind === 'sound' && options.features) return featureEncoder(options.features, options);
  return first.kind === 'sound' ? waveEncoder(options) : numberEncoder(first.dims, options);
}

function pictureEncoder(first: Picture, { input, preprocess }: EncoderOptions): SampleEncoder {
  const [channels, height, width] = pictureDims(first, input);
  const how = preprocess ?? preset(input.bytes === true ? '0-255' : '0-1');
  const code = pictureCode([channels, height, width], flat(input) ? 'NHWC' : input.layout, how);
  if (how.crop !== null && how.crop < Math.max(width, height)) {
    throw new DataError(
      'data/preprocess',
      `crop ${how.crop}: the shorter side must be at least as long as what is cut out, ${width} x ${height}`,
    );
  }
  return {
    sample: sampleDims(input, [channels, height, width]),
    pictures: code,
    bytes: true,
    store(raw) {
      if (raw.kind !== 'picture') throw new Error(`it is ${raw.kind}, where others are pictures`);
      const colored = inChannels(raw.picture, channels);
      return planesOf(sized(colored, width, height, how));
    },
    write: (stored, into) => code.encodeBytes(stored as Uint8Array, into),
  };
}

function sized(picture: Picture, width: number, height: number, how: Preprocess): Picture {
  if (how.crop === null) return resize(picture, width, height, how.resize);
  const scale = how.crop / Math.min(picture.width, picture.height);
  const scaled = (length: number) => Math.max(how.crop as number, Math.floor(length * scale));
  const larger = resize(picture, scaled(picture.width), scaled(picture.height), how.resize);
  return center(larger, width, height);
}

const flat = ({ dims }: InputFormat): boolean => dims.length === 1;

/** The size of the network's images, or that of the first image if it takes any size. */
function pictureDims(first: Picture, input: InputFormat): [number, number, number] {
  const { dims, layout } = input;
  if (flat(input)) {
    const { channels, height, width } = first;
    const size = dims[0] ?? channels * height * width;
    const count = size / (height * width);
    if (count === 1 || count === 3) return [count, height, width];
    throw shapeError(
      input,
      `pictures of ${width} x ${height} with ${channels} channels have ${width * height * channels}`,
    );
  }
  const [channels, height, width] =
    dims.length === 2 ? [1, ...dims] : layout === 'NCHW' ? dims : [dims[2], dims[0], dims[1]];
  const made: [number, number, number] = [
    channels ?? first.channels,
    height ?? first.height,
    width ?? first.width,
  ];
  if (dims.length <= 3 && dims.length >= 2 && (made[0] === 1 || made[0] === 3)) return made;
  throw shapeError(input, 'pictures have 1 or 3 channels, height and width');
}

function sampleDims(
  input: InputFormat,
  [channels, height, width]: readonly [number, number, number],
): number[] {
  if (flat(input)) return [channels * height * width];
  if (input.dims.length === 2) return [height, width];
  return input.layout === 'NCHW' ? [channels, height, width] : [height, width, channels];
}

function featureEncoder(features: SoundFeatures, { input }: EncoderOptions): SampleEncoder {
  const made = featureDims(features);
  const fits =
    input.dims.length === made.length &&
    made.every((size, axis) => size === (input.dims[axis] ?? size));
  if (!fits) throw shapeError(input, `the features of sound are [${made.join(', ')}]`);
  const { rate, samples, trim } = features;
  return {
    sample: [samples],
    features,
    bytes: false,
    store(raw) {
      const wave = soundIn(raw);
      return trim === null ? fitSound(wave, samples, rate) : fitTrimmed(wave, samples, rate, trim);
    },
    write: (stored, into) => into.set(stored),
  };
}

function waveEncoder({ input, rate }: EncoderOptions): SampleEncoder {
  const sample = input.dims.map((dim) => {
    if (dim !== null) return dim;
    throw shapeError(
      input,
      'the length of sound is not known: export the model with a fixed length',
    );
  });
  return {
    sample,
    bytes: false,
    store: (raw) => fitSound(soundIn(raw), sizeOf(sample), rate),
    write: (stored, into) => into.set(stored),
  };
}

function soundIn(raw: RawSample): Wave {
  if (raw.kind === 'sound') return raw.sound;
  throw new Error(`it is ${raw.kind}, where others are sound`);
}

function numberEncoder(
  dims: readonly number[],
  { input, preprocess }: EncoderOptions,
): SampleEncoder {
  const turned = turnedTo(dims, input);
  if (!turned) throw shapeError(input, `the data has samples of [${dims.join(', ')}]`);
  const { sample, planes } = turned;
  const code = planes && pictureCode(planes, input.layout, preprocess ?? preset('0-1'));
  const inOrder = !planes || dims.length !== 3 || turned.from === 'NCHW';
  return {
    sample,
    pictures: code,
    bytes: false,
    store(raw) {
      const alike = raw.kind === 'numbers' && raw.dims.join() === dims.join();
      if (!alike) throw new Error(`it is not like the first sample, [${dims.join(', ')}]`);
      if (inOrder) return raw.values;
      const [channels] = planes;
      const area = raw.values.length / channels;
      return raw.values.map(
        (_, i) => raw.values[(i % area) * channels + Math.floor(i / area)] as number,
      );
    },
    write: code
      ? (stored, into) => code.encode(stored as Float32Array, into)
      : (stored, into) => into.set(stored),
  };
}

/** How numbers of some dims become a sample: unchanged, or as channels of an image. */
function turnedTo(
  dims: readonly number[],
  { dims: wanted, layout }: InputFormat,
):
  | {
      sample: readonly number[];
      planes?: [number, number, number] | undefined;
      from?: Layout | undefined;
    }
  | undefined {
  const fits = (have: readonly number[]) =>
    have.length === wanted.length && wanted.every((dim, i) => dim === null || dim === have[i]);
  const [a = 1, b = 1, c = 1] = dims;
  if (wanted.length === 3 && dims.length >= 2) {
    const forms: [Layout, [number, number, number]][] =
      dims.length === 2
        ? [['NCHW', [1, a, b]]]
        : [
            ['NCHW', [a, b, c]],
            ['NHWC', [c, a, b]],
          ];
    if (layout === 'NHWC') forms.reverse();
    for (const [from, planes] of forms) {
      const [channels, height, width] = planes;
      const sample = layout === 'NCHW' ? planes : [height, width, channels];
      if (fits(sample)) return { sample, planes, from };
    }
    return undefined;
  }
  if (fits(dims)) return { sample: dims };
  const known = wanted.map((dim) => dim ?? 0);
  return sizeOf(known) === sizeOf(dims) ? { sample: known } : undefined;
}

function shapeError({ dims, layout }: InputFormat, found: string): DataError {
  const order =
    dims.length === 3 ? ` (${layout === 'NCHW' ? 'channels first' : 'channels last'})` : '';
  return new DataError(
    'data/shape',
    `The model takes samples of [${dims.map((dim) => dim ?? 'any').join(', ')}]${order}, but ${found}`,
  );
}
