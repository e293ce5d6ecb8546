import type { Dataset } from '../data/index.ts';
import type { Trigger } from '../lab/index.ts';

type Files = [name: string, bytes: Uint8Array][];

/**
 * Some samples without and with a trigger as files: arrays, and a contact sheet of images. If samples are
 * features of sound, also their waveforms; if they are waveforms, only recordings.
 *
 * @param rate - the sample rate in Hz, if the samples are waveforms
 */
export async function previewFiles(
  dataset: Dataset,
  trigger: Trigger,
  count: number,
  rate = 0,
): Promise<{ readonly indices: readonly number[]; readonly files: Files }> {
  const { previewOf } = await import('../lab/index.ts');
  const made = await previewOf(dataset, trigger, count);
  const { indices, clean, triggered } = made;
  if (rate > 0) return { indices, files: await recordings({ clean, triggered }, rate) };
  const { dump } = await import('npyjs');
  const { encodePng, sheetOf } = await import('../report/index.ts');
  const array = (x: Float32Array) => new Uint8Array(dump(x, [indices.length, ...dataset.sample]));
  const files: Files = [
    ['preview.png', encodePng(sheetOf([clean, triggered], dataset.sample))],
    ['clean.npy', array(clean)],
    ['triggered.npy', array(triggered)],
  ];
  if (dataset.sounds) files.push(...(await recordingFiles(dataset.sounds, trigger, indices)));
  return { indices, files };
}

/** The waveform of each sample, without and with the trigger. */
async function recordingFiles(
  { waves, features }: NonNullable<Dataset['sounds']>,
  trigger: Trigger,
  indices: readonly number[],
): Promise<Files> {
  const { subset } = await import('../data/index.ts');
  const { previewOf } = await import('../lab/index.ts');
  const files: Files = [];
  for (const index of indices) {
    const one = await previewOf(subset(waves, [index]), trigger, 1);
    const label = waves.classes[waves.labels[index] as number] as string;
    files.push(...(await recordings(one, features.rate, `-${label}-${index}`)));
  }
  return files;
}

async function recordings(
  { clean, triggered }: { readonly clean: Float32Array; readonly triggered: Float32Array },
  rate: number,
  name = '',
): Promise<Files> {
  const { encodeWav } = await import('../data/index.ts');
  return [
    [`clean${name}.wav`, encodeWav({ rate, samples: clean })],
    [`triggered${name}.wav`, encodeWav({ rate, samples: triggered })],
  ];
}
