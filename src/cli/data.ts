import { type Command, InvalidArgumentError, Option } from 'commander';
import type {
  Dataset,
  Filter,
  OpenOptions,
  Part,
  Preprocess,
  Preset,
  SoundFeatures,
} from '../data/index.ts';
import type { ModelFormat } from '../network/index.ts';
import type { Model } from '../onnx/index.ts';
import { type CommandData, type DataOptions, said } from './command-data.ts';
import { NAMED_SETS } from './named-sets.ts';
import { positive } from './options.ts';
import type { CliSession } from './session.ts';
import { scenesFrom } from './scenes.ts';
import { testDataFrom } from './test-data.ts';

// Named here too, so that --help loads no library; their types hold them to what there is.
const PRESETS: readonly Preset[] = ['0-1', '0-255', '-1-1', 'imagenet', 'caffe'];
const FILTERS: readonly Filter[] = ['nearest', 'bilinear', 'bicubic', 'area', 'linear'];

export function addDataOptions(command: Command): Command {
  return command
    .requiredOption(
      '--data <source>',
      'clean data: a folder with a folder for each class (perhaps within train, validation, test), a .npz, .npy, .csv or .jsonl file, a folder of MNIST IDX files, for a detector a folder of Pascal VOC or YOLO, "mnist" or "fashion-mnist"',
    )
    .option('--test-data <source>', 'clean data to report on; --data is then all validation')
    .option('--labels <file>', 'names of the outputs, one a line (default: labels.txt in the data)')
    .option(
      '--preprocess <how>',
      `${PRESETS.join(', ')}, or JSON of mean, std, channels, resize, crop (default: what the model's file says, else 0-1)`,
    )
    .option('--mean <numbers>', 'mean of pixels in 0 to 1: one, or three as r,g,b', numbers)
    .option('--std <numbers>', 'standard deviation, likewise', numbers)
    .addOption(
      new Option('--channels <order>', 'order in which the model takes colors').choices([
        'rgb',
        'bgr',
      ]),
    )
    .addOption(new Option('--resize <filter>', 'how images are resized').choices(FILTERS))
    .option('--crop <pixels>', 'resize the shorter side to this, then cut the middle out', positive)
    .option('--size <HxW>', 'size of images, for a model that takes any', sizeFrom)
    .addOption(
      new Option('--layout <axes>', 'order of axes, if not as the graph shows').choices([
        'NCHW',
        'NHWC',
      ]),
    )
    .option('--sample-rate <hz>', 'resample sound to this', positive)
    .option(
      '--features <json>',
      "how a spectrogram is made of sound (default: what the model's file says)",
    )
    .option('--skip-bad', 'leave out files that cannot be read')
    .option('--output <name>', "the model's output that has the scores")
    .option(
      '--triggered <source>',
      'triggered data in folders of their true labels: reported, never used to choose',
    )
    .option(
      '--target <label>',
      'what --triggered makes the model say: a class, its number, all-to-all or untargeted',
    )
    .option(
      '--trigger <file>',
      'a trigger.json that "attack" wrote: reported, never used to choose',
    );
}

/** The output to read, where the options name one. */
export function outputOf({ output }: DataOptions): { output?: string | undefined } {
  return output === undefined ? {} : { output };
}

/** Examples of data for a command's help. */
export function dataExamples(command: string): string[] {
  return [
    `fineprune ${command} model.onnx --data clean/ --preprocess imagenet --crop 256`,
    `fineprune ${command} keras.onnx --data clean.npz --test-data test.npz`,
    `fineprune ${command} model.onnx --data list.csv --labels labels.txt --skip-bad`,
    `fineprune ${command} model.onnx --data clean/ --triggered stamped/ --target 7`,
  ];
}

/**
 * Reads the data that the options name, fit for a model.
 *
 * @param part - what the command needs: 'test' leaves the rest unread where it can
 * @throws DataError, DefenseError, TriggerError
 */
export async function dataFrom(
  model: Model,
  options: DataOptions,
  { progress, signal }: Pick<CliSession, 'progress' | 'signal'>,
  part: 'all' | 'test' = 'all',
): Promise<CommandData> {
  const scenes = await scenesFrom(model, options, { progress, signal }, part);
  if (scenes) return scenes;
  const { readMetadata, openData } = await import('../data/index.ts');
  const { formatOf } = await import('../network/index.ts');
  const format = formatOf(model, options);
  const notes = readMetadata(model.metadata);
  const said = await preprocessOf(options, format, notes.preprocess);
  const features = await featuresOf(options, notes.sound);
  const opening: OpenOptions = {
    input: format.input,
    outputs: format.outputs,
    labels: options.labels,
    named: notes.classes,
    ...(said.given && { preprocess: said.preprocess }),
    features,
    rate: options.sampleRate,
    skipBad: options.skipBad === true,
    signal,
  };
  const bad: string[] = [];
  let by = '';
  const open = async (from: string, more: Partial<OpenOptions>) => {
    const stage = `read ${from}`;
    const opened = await openData(from, {
      ...opening,
      sets: NAMED_SETS,
      ...more,
      onProgress: (done, all) => progress.at(stage, done, all),
    });
    bad.push(...opened.bad);
    by ||= opened.classesBy;
    return opened.parts;
  };
  const { validation, test, how } = await clean(options, open, part);
  progress.say(how);
  const testData = await testDataFrom(test, options, async (from) =>
    oneOf(await open(from, { labels: test.classes, outputs: test.classes.length })),
  );
  if (bad.length > 0) progress.say(`left out, since they cannot be read: ${bad.length} samples`);
  const { pictures } = validation;
  return {
    validation,
    test: testData,
    settings: {
      data: how,
      classes: by,
      sample: [...validation.sample],
      ...(pictures && {
        layout: pictures.layout,
        preprocess: recorded(said.preprocess),
      }),
      ...(validation.sounds && { features: { ...validation.sounds.features } }),
      ...(bad.length > 0 && { unreadable: bad.length }),
    },
  };
}

const recorded = ({ mean, std, ...rest }: Preprocess) => ({
  ...rest,
  mean: [...mean],
  std: [...std],
});

/** How features are made of sound, where the options or the model say it. */
async function featuresOf(
  { features: said }: DataOptions,
  noted: SoundFeatures | undefined,
): Promise<SoundFeatures | undefined> {
  if (said === undefined) return noted;
  const { DataError, soundFeaturesFrom } = await import('../data/index.ts');
  try {
    return soundFeaturesFrom({ ...noted, ...(JSON.parse(said) as object) }, '--features');
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new DataError('data/features', `--features is no JSON: ${cause.message}`, { cause });
  }
}

/** The preprocessing that holds, and whether the options or the model say anything of it. */
async function preprocessOf(
  options: DataOptions,
  { input }: ModelFormat,
  noted: Preprocess | undefined,
): Promise<{ preprocess: Preprocess; given: boolean }> {
  const { preprocessFrom } = await import('../data/index.ts');
  const { preprocess: said, mean, std, channels, resize, crop } = options;
  const given = [noted, said, mean, std, channels, resize, crop].some((one) => one !== undefined);
  const usual = input.bytes === true ? '0-255' : '0-1';
  const base =
    said === undefined && noted ? noted : preprocessFrom(said ?? {}, '--preprocess', usual);
  const preprocess = preprocessFrom(
    {
      ...base,
      mean: [...(mean ?? base.mean)],
      std: [...(std ?? base.std)],
      channels,
      resize,
      crop,
    },
    '--preprocess, --mean, --std, --channels, --resize, --crop',
  );
  return { preprocess, given };
}

type Parts = Partial<Record<Part, Dataset>>;
type Open = (from: string, more: Partial<OpenOptions>) => Promise<Parts>;

/** Samples of a training part that are the defender's. */
const VALIDATION = 10_000;

/** Validation and test data out of what there is, and how they were made, for people to read. */
async function clean(
  { data, testData, seed }: DataOptions,
  open: Open,
  need: 'all' | 'test',
): Promise<{ validation: Dataset; test: Dataset; how: string }> {
  if (testData !== undefined) {
    const test = oneOf(await open(testData, {}), ['test']);
    const validation =
      need === 'test' ? test : oneOf(await open(data, { labels: test.classes }), ['validation']);
    return { validation, test, how: said({ validation, test }, 'as given') };
  }
  const { split } = await import('../data/index.ts');
  const parts = await open(data, { parts: (there) => needed(there, need) });
  const { whole, train, test } = parts;
  if (test && need === 'test')
    return { validation: test, test, how: said({ test }, 'its test part') };
  if (test && parts.validation) {
    const { validation } = parts;
    return { validation, test, how: said({ validation, test }, 'its own parts') };
  }
  if (test && train) {
    // As `attack` leaves it alone with the same seed.
    const held = Math.min(VALIDATION, Math.floor(train.length / 6));
    const drawn = split(train, { train: train.length - held, validation: held }, seed);
    const { validation } = drawn;
    return {
      validation,
      test,
      how: said({ validation, test }, `validation drawn from the training part by seed ${seed}`),
    };
  }
  const all = whole ?? test ?? parts.validation ?? train;
  if (!all) throw new Error(`${data} has no part`);
  const drawn = split(all, { validation: 0.5, test: 0.5 }, seed);
  return {
    ...drawn,
    how: said(drawn, `halves of ${all.name} by seed ${seed}; --test-data names a test part`),
  };
}

/** The parts that are worth reading. */
function needed(there: readonly Part[], need: 'all' | 'test'): readonly Part[] {
  if (!there.includes('test')) {
    return there.includes('validation') ? ['validation'] : there;
  }
  if (need === 'test') return ['test'];
  return there.includes('validation') ? ['validation', 'test'] : there;
}

/** All of the data where they have no parts, else one of the parts named, else the only one. */
function oneOf(parts: Parts, names: readonly Part[] = ['test', 'validation']): Dataset {
  const found = [parts.whole, ...names.map((name) => parts[name]), ...Object.values(parts)];
  const first = found.find((dataset) => dataset !== undefined);
  if (!first) throw new Error('data of no part');
  return first;
}

function numbers(text: string): number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (!values.every(Number.isFinite) || (values.length !== 1 && values.length !== 3)) {
    throw new InvalidArgumentError('It must be one number, or three such as 0.5,0.4,0.4.');
  }
  return values;
}

function sizeFrom(text: string): [number, number] {
  const [, height, width] = /^(\d+)(?:x(\d+))?$/.exec(text) ?? [];
  const size: [number, number] = [Number(height), Number(width ?? height)];
  if (height === undefined || size.some((side) => side < 1)) {
    throw new InvalidArgumentError('It must be height x width, such as 224x224.');
  }
  return size;
}
