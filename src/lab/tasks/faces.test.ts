import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { drawnFaces } from '../data/drawn-faces.ts';
import { FOLDER_VARIABLE, placeOf, SETS } from '../data/sets/sets.ts';
import { readMetadata, split } from '../../data/index.ts';
import { oneCycle } from '../../train/index.ts';
import { deepIdNetwork } from '../networks/deepid.ts';
import { baselineAttack } from '../attacks/baseline.ts';
import { triggered } from '../attacks/poison.ts';
import { prunedSites } from '../../../test/helpers/repair.ts';
import { repair } from '../../defense/index.ts';
import { faces, facesDataset } from './faces.ts';
import { sourceFor, type Task, type TaskData } from './task.ts';

/** Few people, drawn, who are told apart in seconds. */
const few = {
  ...faces,
  async load(seed: number): Promise<TaskData> {
    const all = await facesDataset(drawnFaces({ people: 5, each: 30, side: 64, seed: 0 }));
    const parts = split(all, { train: 0.6, validation: 0.2, test: 0.2 }, seed);
    return { ...parts, source: 'synthetic' };
  },
  poisonRate: 0.2,
  training: { ...faces.training, epochs: 16, schedule: oneCycle(0.003) },
  defense: { maxDrop: 0.01, runs: 3, epochs: 2, batchSize: 32, rate: 0.01 },
} satisfies Task;

const lfw = placeOf(SETS['lfw-crop']);

test('DeepID has the layers of the paper', () => {
  const { graph } = deepIdNetwork(1, 62);
  const dims = [...graph.initializers].map(([name, tensor]) => [name, tensor.dims.join('x')]);
  expect(Object.fromEntries(dims.filter(([name]) => name?.endsWith('.weight')))).toEqual({
    'conv1.weight': '20x3x4x4',
    'conv2.weight': '40x20x3x3',
    'conv3.weight': '60x40x3x3',
    'conv4.weight': '80x60x2x2',
    'fc3.weight': '160x1200',
    'fc4.weight': '160x960',
    'fc5.weight': '62x160',
  });
  const readers = graph.nodes.filter(({ inputs }) => inputs.includes('relu3'));
  expect(readers.map(({ op }) => op).toSorted()).toEqual(['Conv', 'Flatten']);
});

test('synthetic faces: the attack with sunglasses succeeds, and conv3 is pruned', async () => {
  const runtime = await testRuntime();
  const data = await few.load(1);
  const stamped = triggered(data.test, few.trigger);
  const test = { clean: data.test, triggered: { dataset: stamped, target: few.target } };
  const { model } = await baselineAttack(runtime, few, data, { seed: 1 });
  const settings = { ...few.defense, site: few.site, seed: 1, test };
  const defense = await repair(runtime, model, data.validation, settings);
  const [before, after] = defense.outcomes.map(({ evaluation }) => evaluation);
  // By chance one in five is right.
  expect(before?.acc.rate).toBeGreaterThan(0.45);
  expect(before?.asr?.rate).toBeGreaterThan(0.9);
  expect(after?.acc.rate).toBeGreaterThan(0.45);
  expect(prunedSites(defense)[0]?.site).toMatchObject({
    name: 'relu3',
    units: 60,
    dims: [60, 5, 4],
  });
  const { classes, preprocess } = readMetadata(model.metadata);
  expect(classes).toEqual(data.train.classes);
  expect(preprocess?.mean).toHaveLength(3);
});

describe('data', () => {
  afterEach(() => void vi.unstubAllEnvs());

  test.runIf(lfw.there)('real people: 20 to 60 pictures each, split by person', async () => {
    const { train, validation, test: rest, source } = await faces.load(1);
    expect(source).toBe('real');
    expect(train.classes).toHaveLength(62);
    expect(train.length + validation.length + rest.length).toBe(2155);
    expect(train.sample).toEqual([3, 55, 47]);
    for (const part of [train, validation, rest]) {
      for (const label of part.classes.keys()) {
        expect(part.labels.filter((own) => own === label).length).toBeGreaterThanOrEqual(2);
      }
    }
  });

  test('without real data, synthetic data are used, and a note names the source and the folder', () => {
    vi.stubEnv(FOLDER_VARIABLE, 'nowhere');
    const { source, note } = sourceFor(faces);
    expect(source).toBe('synthetic');
    expect(note).toContain(join('nowhere', 'lfw-crop'));
    expect(note).toContain(SETS['lfw-crop'].source);
    expect(sourceFor(faces, 'real')).toEqual({ source: 'real' });
  });

  test('real data that are asked for but missing give an error with the folder and the download', async () => {
    vi.stubEnv(FOLDER_VARIABLE, 'nowhere');
    await expect(faces.load(1, 'real')).rejects.toMatchObject({
      code: 'data/missing',
      message: expect.stringMatching(/nowhere.lfw-crop.*--data synthetic/),
    });
  });
});
