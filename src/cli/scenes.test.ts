import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fineprune } from '../../test/helpers/cli.ts';
import { blocks } from '../../test/helpers/data.ts';
import { writeScenes } from '../../test/helpers/scenes.ts';
import { detectorNetwork } from '../lab/networks/detector.ts';
import { triggerJson } from '../lab/triggers/file.ts';
import { yellowSquare } from '../lab/triggers/sticker.ts';
import { specOf } from '../network/index.ts';
import { encodeModel } from '../onnx/index.ts';

const SIZE = [48, 48] as const;
const CLASSES = ['red', 'blue'];

let folder = '';
const at = (...names: string[]) => join(folder, ...names);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fineprune-scenes-'));
  const model = detectorNetwork(1, { ...specOf(CLASSES, SIZE), anchors: [12, 20] }, 16);
  const target = { kind: 'source-to-target', source: 0, target: 1 } as const;
  await writeFile(at('detector.onnx'), encodeModel(model));
  await writeFile(at('trigger.json'), triggerJson({ trigger: yellowSquare(), target }));
  await writeScenes(folder, blocks(8, SIZE, 5));
});
afterAll(() => rm(folder, { recursive: true }));

test(
  'evaluate and defend take a detector and a folder of scenes',
  { timeout: 60_000 },
  async () => {
    const common = [at('detector.onnx'), '--trigger', at('trigger.json'), '--quiet', '--json'];
    const evaluated = await fineprune(['evaluate', ...common, '--data', at('voc')]);
    expect(evaluated.err).toBe('');
    const { acc, asr } = JSON.parse(evaluated.out);
    expect(acc.map).toBeGreaterThanOrEqual(0);
    expect(acc.ap).toHaveLength(2);
    expect(asr.of).toBeGreaterThan(0);

    const fineTuning = ['--epochs', '1', '--occlusion', '0.5'];
    const run = ['--step', '8', '--max-drop', '100', '--out', at('out'), ...fineTuning];
    const defended = await fineprune(['defend', ...common, '--data', at('yolo'), ...run]);
    expect(defended.err).toBe('');
    expect(JSON.parse(defended.out).before.acc.ap).toHaveLength(2);
    const record = JSON.parse(await readFile(at('out', 'report.json'), 'utf8'));
    expect(record.scenes.classes).toEqual(CLASSES);
    const [pruning, tuning] = record.outcomes.at(-1).steps;
    expect(pruning.data.sites[0].site.name).toBe('relu5');
    expect(tuning.data.settings.occlusion).toBe(0.5);
  },
);
