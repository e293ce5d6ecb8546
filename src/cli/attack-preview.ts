import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../data/index.ts';
import { addCommon, type CommonOptions, positive } from './options.ts';
import { checkFree, printJson, put } from './outputs.ts';

interface PreviewOptions extends CommonOptions {
  readonly trigger: string;
  readonly data?: string;
  readonly wav?: string;
  readonly out: string;
  readonly count: number;
  readonly force?: boolean;
}

/** `fineprune attack preview`: what a trigger does to samples, to look at or listen to. */
export function previewCommand(attack: Command): Command {
  return addCommon(attack.command('preview'))
    .description('write samples without and with a trigger, to look at or listen to')
    .requiredOption('--trigger <file>', 'a trigger file')
    .option('--data <source>', 'images to stamp, as for defend: "mnist", a folder, an array ...')
    .option('--wav <file>', 'a recording to add the trigger to')
    .option('--count <n>', 'how many samples of the data', positive, 10)
    .option('--out <folder>', 'where the files go', 'out/preview')
    .option('--force', 'overwrite files that are there already')
    .action(preview);
}

async function preview(options: PreviewOptions, command: Command): Promise<void> {
  const { previewOf, readTrigger } = await import('../lab/index.ts');
  const { data, wav, out, count } = options;
  if ((data === undefined) === (wav === undefined)) {
    command.error('error: give --data or --wav, one of them');
  }
  const { trigger } = await readTrigger(options.trigger);
  const { dataset, rate } = wav === undefined ? await imagesIn(data as string) : await heardIn(wav);
  const made = await previewOf(dataset, trigger, count);
  const files = await filesOf(made, dataset, rate);
  const paths = files.map(([name]) => join(out, name));
  checkFree(paths, options.force === true);
  for (const [name, bytes] of files) await put(join(out, name), bytes, options.force === true);
  if (options.json) printJson({ data: dataset.name, indices: made.indices, files: paths });
  else process.stdout.write(`${paths.join('\n')}\n`);
}

async function imagesIn(from: string): Promise<{ dataset: Dataset; rate: number }> {
  const { openData } = await import('../data/index.ts');
  const input = { dims: [null, null, null], layout: 'NCHW' } as const;
  const { parts } = await openData(from, {
    input,
    parts: (there) => (there.includes('test') ? ['test'] : there.slice(0, 1)),
  });
  const [dataset] = Object.values(parts);
  if (!dataset) throw new Error(`${from} has no part`);
  return { dataset, rate: 0 };
}

async function heardIn(path: string): Promise<{ dataset: Dataset; rate: number }> {
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

type Made = Awaited<ReturnType<typeof import('../lab/index.ts').previewOf>>;

/** Arrays that hold every bit, and a sheet of images or recordings for people. */
async function filesOf(
  { indices, clean, triggered }: Made,
  { sample }: Dataset,
  rate: number,
): Promise<[name: string, bytes: Uint8Array][]> {
  if (rate > 0) {
    const { encodeWav } = await import('../data/index.ts');
    return [
      ['clean.wav', encodeWav({ rate, samples: clean })],
      ['triggered.wav', encodeWav({ rate, samples: triggered })],
    ];
  }
  const { dump } = await import('npyjs');
  const { encodePng, sheetOf } = await import('../report/index.ts');
  const array = (x: Float32Array) => new Uint8Array(dump(x, [indices.length, ...sample]));
  return [
    ['preview.png', encodePng(sheetOf([clean, triggered], sample))],
    ['clean.npy', array(clean)],
    ['triggered.npy', array(triggered)],
  ];
}
