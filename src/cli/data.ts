import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Dataset } from '../data/index.ts';
import type { OpenDataOptions, OpenedData, TriggeredData } from '../network/index.ts';
import type { Model } from '../onnx/index.ts';
import { CHOICES } from './choices.ts';
import { NAMED_SETS } from './named-sets.ts';
import { positive } from './options.ts';
import type { CliSession } from './session.ts';

/** Options for the data of a command, and for their conversion for the model. */
export interface DataOptions extends Omit<
  OpenDataOptions,
  'for' | 'need' | 'formats' | 'sets' | 'addTrigger' | 'signal' | 'onProgress'
> {
  readonly data: string;
  readonly trigger?: string | undefined;
  readonly seed: number;
}

const SOURCES = [...CHOICES.formats, ...Object.keys(NAMED_SETS).map((name) => `"${name}"`)];

/** Options of commands that take clean data only. */
export function addCleanDataOptions(command: Command): Command {
  return command
    .requiredOption('--data <source>', `clean data: ${SOURCES.join(', ')}`)
    .option(
      '--labels <file>',
      'names of the outputs, one per line (default: labels.txt in the data)',
    )
    .option(
      '--preprocess <preset>',
      `${CHOICES.presets.join(', ')}, or JSON with mean, std, channels, resize, crop (default: from the model's file, else 0-1)`,
    )
    .option('--mean <numbers>', 'mean of pixels in 0 to 1: one number, or three as r,g,b', numbers)
    .option('--std <numbers>', 'standard deviation of pixels: one number, or three', numbers)
    .addOption(
      new Option('--channels <order>', 'order in which the model takes colors').choices([
        'rgb',
        'bgr',
      ]),
    )
    .addOption(
      new Option('--resize <filter>', 'how images are resized').choices([...CHOICES.filters]),
    )
    .option('--crop <pixels>', 'resize the shorter side to this, then crop the center', positive)
    .option('--size <HxW>', 'size of images, for a model that takes any size', sizeFrom)
    .addOption(
      new Option('--layout <axes>', 'order of the axes, if the graph does not show it').choices([
        'NCHW',
        'NHWC',
      ]),
    )
    .option('--sample-rate <hz>', 'sample rate that sound is resampled to', positive)
    .option(
      '--features <json>',
      "settings of the spectrogram of sound (default: from the model's file)",
    )
    .option('--skip-bad', 'leave out files that cannot be read')
    .option('--output <name>', "the model's output with the scores");
}

/** Options of commands that also report on test data, with and without a trigger. */
export function addDataOptions(command: Command): Command {
  return addCleanDataOptions(command)
    .option('--test-data <source>', 'clean data to report on; --data is then all validation')
    .option(
      '--triggered <source>',
      'triggered data in folders of their true labels: reported, never used to choose',
    )
    .option(
      '--target <label>',
      'the label that --triggered causes: a class, its number, all-to-all or untargeted',
    )
    .option('--trigger <file>', 'a trigger.json of "attack": reported, never used to choose');
}

/** Examples of data for a command's help. */
export function dataExamples(command: string): string[] {
  return [
    ...cleanDataExamples(command),
    `fineprune ${command} keras.onnx --data clean.npz --test-data test.npz`,
    `fineprune ${command} model.onnx --data clean/ --triggered stamped/ --target 7`,
  ];
}

/** Examples of a command that takes clean data only. */
export function cleanDataExamples(command: string): string[] {
  return [
    `fineprune ${command} model.onnx --data clean/ --preprocess imagenet --crop 256`,
    `fineprune ${command} model.onnx --data list.csv --labels labels.txt --skip-bad`,
  ];
}

/**
 * Reads the data that the options name, for a model.
 *
 * @param need - see `openData`
 * @throws what `openData` and `triggeredByFile` throw
 */
export async function dataFrom(
  model: Model,
  { data, trigger, ...options }: DataOptions,
  { progress, signal }: Pick<CliSession, 'progress' | 'signal'>,
  need: OpenDataOptions['need'] = 'all',
): Promise<OpenedData> {
  const { openData } = await import('../network/index.ts');
  const opened = await openData(data, {
    ...options,
    for: model,
    need,
    sets: NAMED_SETS,
    addTrigger: trigger === undefined ? undefined : (clean) => triggeredBy(trigger, clean),
    signal,
    onProgress: (stage, done, all) => progress.at(stage, done, all),
  });
  progress.say(opened.description);
  const { unreadable } = opened;
  if (unreadable.length > 0) {
    progress.say(`${unreadable.length} samples cannot be read and are left out`);
  }
  return opened;
}

/** The lab is loaded only if there is a trigger. */
async function triggeredBy(file: string, clean: Dataset): Promise<TriggeredData> {
  const { triggeredByFile } = await import('../lab/index.ts');
  return triggeredByFile(file, clean);
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
