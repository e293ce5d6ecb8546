import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttackName, TrainedNetwork } from '../lab/index.ts';
import { put } from './outputs.ts';

/** What a network was trained with: only with the same is it taken up again. */
export interface TrainedWith {
  readonly seed: number;
  readonly source: string;
  readonly quick: boolean;
}

/** What the networks are called, in files too. */
export const NAMES = {
  none: 'clean',
  baseline: 'baseline',
  'pruning-aware': 'pruning-aware',
} as const;

/** Writes a network, and beside it what there is to say of its making. */
export async function writeNetwork(
  folder: string,
  { model, ...about }: TrainedNetwork,
  trainedWith: TrainedWith,
): Promise<void> {
  const { encodeModel } = await import('../onnx/index.ts');
  const stem = join(folder, NAMES[about.attack]);
  await put(`${stem}.onnx`, encodeModel(model), true);
  await put(`${stem}.json`, `${JSON.stringify({ ...about, trainedWith })}\n`, true);
}

/** Those of some networks that are in a folder and were trained with the same. */
export async function readNetworks(
  folder: string,
  attacks: readonly AttackName[],
  trainedWith: TrainedWith,
): Promise<TrainedNetwork[]> {
  const { readModel } = await import('../onnx/file.ts');
  const found: TrainedNetwork[] = [];
  for (const attack of attacks) {
    const stem = join(folder, NAMES[attack]);
    if (!existsSync(`${stem}.json`) || !existsSync(`${stem}.onnx`)) continue;
    const { trainedWith: then, ...about } = JSON.parse(
      await readFile(`${stem}.json`, 'utf8'),
    ) as Omit<TrainedNetwork, 'model'> & { trainedWith: TrainedWith };
    if (JSON.stringify(then) !== JSON.stringify(trainedWith)) continue;
    found.push({ ...about, model: (await readModel(`${stem}.onnx`)).model });
  }
  return found;
}
