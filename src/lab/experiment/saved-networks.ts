import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeModel } from '../../onnx/index.ts';
import { readModel } from '../../onnx/file.ts';
import { writeFileAtomic } from '../../onnx/write.ts';
import { NO_ATTACK } from '../attacks/index.ts';
import type { TrainedNetwork } from './results.ts';

/** What a network was trained on. It is read again only for the same. */
export interface TrainedWith {
  readonly seed: number;
  readonly source: string;
  readonly quick: boolean;
}

/** The name of a network, in file names and messages: 'clean', or the name of the attack. */
export function networkName(attack: string): string {
  return attack === NO_ATTACK ? 'clean' : attack;
}

/** Writes a network, and next to it how it was made. */
export async function writeNetwork(
  folder: string,
  { model, ...about }: TrainedNetwork,
  trainedWith: TrainedWith,
): Promise<void> {
  const stem = join(folder, networkName(about.attack));
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(`${stem}.onnx`, encodeModel(model), { force: true });
  const json = `${JSON.stringify({ ...about, trainedWith })}\n`;
  await writeFileAtomic(`${stem}.json`, json, { force: true });
}

/** Reads those networks of a folder that were trained on the same. */
export async function readNetworks(
  folder: string,
  attacks: readonly string[],
  trainedWith: TrainedWith,
): Promise<TrainedNetwork[]> {
  const networks: TrainedNetwork[] = [];
  for (const attack of attacks) {
    const stem = join(folder, networkName(attack));
    if (!existsSync(`${stem}.json`) || !existsSync(`${stem}.onnx`)) continue;
    const { trainedWith: then, ...about } = JSON.parse(
      await readFile(`${stem}.json`, 'utf8'),
    ) as Omit<TrainedNetwork, 'model'> & { trainedWith: TrainedWith };
    if (JSON.stringify(then) !== JSON.stringify(trainedWith)) continue;
    networks.push({ ...about, model: (await readModel(`${stem}.onnx`)).model });
  }
  return networks;
}
