import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset, InputFormat, ReadOptions } from '../data/index.ts';
import { NAMED_SETS } from './named-sets.ts';
import { addCommon, type CommonOptions, positive } from './options.ts';
import { checkFree, printJson, put } from './outputs.ts';
import { previewFiles } from './preview-files.ts';

interface PreviewOptions extends CommonOptions {
  readonly trigger: string;
  readonly data?: string | undefined;
  readonly wav?: string | undefined;
  readonly model?: string | undefined;
  readonly out: string;
  readonly count: number;
  readonly force?: boolean | undefined;
}

/** `fineprune attack preview`: samples with and without a trigger, to look at or listen to. */
export function previewCommand(attack: Command): Command {
  return addCommon(attack.command('preview'))
    .description('write samples without and with a trigger, to look at or listen to')
    .requiredOption('--trigger <file>', 'a trigger file')
    .option('--data <source>', 'samples for the trigger, as for defend: "mnist", a folder, ...')
    .option('--model <file>', 'convert the data, such as WAV files, for this model')
    .option('--wav <file>', 'a recording for the trigger, in place of --data')
    .option('--count <n>', 'number of samples', positive, 10)
    .option('--out <folder>', 'folder for the files', 'out/preview')
    .option('--force', 'overwrite existing files')
    .action(preview);
}

async function preview(options: PreviewOptions, command: Command): Promise<void> {
  const { readTrigger } = await import('../lab/index.ts');
  const { data, wav, out, count } = options;
  if ((data === undefined) === (wav === undefined)) {
    command.error('error: give either --data or --wav');
  }
  const { trigger } = await readTrigger(options.trigger);
  const { dataset, rate } =
    wav === undefined
      ? { dataset: await samplesIn(data as string, options.model) }
      : await recordingIn(wav);
  const { indices, files } = await previewFiles(dataset, trigger, count, rate);
  const paths = files.map(([name]) => join(out, name));
  checkFree(paths, options.force === true);
  for (const [name, bytes] of files) await put(join(out, name), bytes, options.force === true);
  if (options.json) printJson({ data: dataset.name, indices, files: paths });
  else process.stdout.write(`${paths.join('\n')}\n`);
}

/** Samples converted for a model; without one, images as they are. */
async function samplesIn(from: string, path: string | undefined): Promise<Dataset> {
  const { readData } = await import('../data/index.ts');
  const { parts } = await readData(from, {
    sets: NAMED_SETS,
    ...(path === undefined ? { input: ANY } : await inputOf(path)),
    // The data need not have all classes of the model.
    outputs: undefined,
    parts: (there) => (there.includes('test') ? ['test'] : there.slice(0, 1)),
  });
  const [dataset] = Object.values(parts);
  if (!dataset) throw new Error(`${from} has no data`);
  return dataset;
}

const ANY: InputFormat = { dims: [null, null, null], layout: 'NCHW' };

/** The input settings in a model's file. */
async function inputOf(path: string): Promise<ReadOptions> {
  const { inputSettings } = await import('../network/index.ts');
  const { readModel } = await import('../onnx/file.ts');
  return inputSettings((await readModel(path)).model);
}

/** A recording as a data set of one sample. */
async function recordingIn(path: string): Promise<{ dataset: Dataset; rate: number }> {
  const { arrayDataset, DataError, decodeWav } = await import('../data/index.ts');
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new DataError('data/missing', `${path} cannot be read: ${cause.message}`, { cause });
  });
  const { rate, samples } = decodeWav(bytes, path);
  const dataset = arrayDataset({
    name: path,
    classes: ['recording'],
    sample: [samples.length],
    labels: Int32Array.of(0),
    data: samples,
  });
  return { dataset, rate };
}
