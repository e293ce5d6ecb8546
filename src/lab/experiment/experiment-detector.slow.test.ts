import { expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { blocks } from '../../../test/helpers/data.ts';
import { detect, detectorOf, specOf } from '../../network/index.ts';
import { oneCycle } from '../../train/index.ts';
import { detection, type DetectorTraining } from '../attacks/detection.ts';
import { runExperiment } from './experiment.ts';
import { attacksOn } from './networks.ts';
import { detectorNetwork } from '../networks/detector.ts';
import type { Task } from '../tasks/task.ts';
import { largeSticker } from '../../../test/helpers/lab.ts';

const ATTACKS = ['none', 'baseline', 'pruning-aware'] as const;
const SIZE = [48, 48] as const;
const optimizer = { kind: 'sgd', momentum: 0.9, weightDecay: 1e-4 } as const;

const training: DetectorTraining = {
  epochs: 24,
  batchSize: 4,
  optimizer,
  schedule: oneCycle(0.05),
  mode: 'training',
};

const task: Task<DetectorTraining> = {
  kind: detection,
  name: 'blocks',
  set: 'road-signs',
  load: async () => ({
    train: blocks(28, SIZE, 1),
    validation: blocks(12, SIZE, 2),
    test: blocks(16, SIZE, 3),
    source: 'synthetic',
  }),
  network: (seed, { classes }) =>
    detectorNetwork(seed, { ...specOf(classes, SIZE), anchors: [12, 20] }, 16),
  trigger: largeSticker(),
  target: { kind: 'source-to-target', source: 0, target: 1 },
  poisonRate: 0.5,
  training,
  poisoning: { ...training, epochs: 12, schedule: oneCycle(0.03) },
  pruningAware: {
    share: 0.4,
    asked: { acc: 0.6, asr: 0.6 },
    budget: 1,
    lower: 'stealthy',
    margin: 0.25,
  },
  defense: { maxDrop: 0.1, step: 5, epochs: 2, batchSize: 4, rate: 0.01 },
  ablationSamples: 3,
};

test(
  'the experiment on a detector: the table, and its networks',
  { timeout: 180_000 },
  async () => {
    const runtime = await testRuntime();
    expect(await attacksOn(task)).toEqual(ATTACKS);
    const { runs, networks, trained } = await runExperiment(runtime, task, { seed: 0 });
    expect(runs.map(({ attack, defense }) => `${attack}/${defense}`)).toEqual(
      ATTACKS.flatMap((attack) =>
        ['none', 'pruning', 'fine-tuning', 'fine-pruning'].map((defense) => `${attack}/${defense}`),
      ),
    );
    const [clean, ...attacked] = runs.filter(({ defense }) => defense === 'none');
    expect(clean?.asr.rate).toBeLessThan(0.3);
    for (const { acc, asr, ra, missed } of attacked) {
      expect(asr.rate).toBeGreaterThan(0.7);
      expect(acc.map).toBeGreaterThan(0.6);
      // Of two classes: an object with neither its label nor the attacker's is not found.
      expect(asr.hits + ra.hits + (missed?.hits ?? NaN)).toBe(asr.of);
    }
    expect(networks.map(({ site, units }) => [site, units.length])).toEqual(
      ATTACKS.map(() => ['relu5', 16]),
    );
    // The defender prunes decoys first.
    const aware = networks[2];
    const decoys = (aware?.units ?? []).flatMap(({ unit, decoy }) => (decoy ? [unit] : []));
    expect(decoys.length).toBeGreaterThanOrEqual(6);
    expect(aware?.retrainings).toMatchObject([{ pruned: 6 }]);
    expect(aware?.order.slice(0, decoys.length).toSorted((a, b) => a - b)).toEqual(decoys);

    // Only objects that the clean detector finds without the trigger are counted, for all networks.
    const { test: scenes } = await task.load(0);
    const { model } = trained.find(({ attack }) => attack === 'none') ?? {};
    if (!model) throw new Error('no clean network');
    const counted = await detection.triggeredTest(runtime, scenes, task, model);
    const red = (counted.objects ?? [])
      .flat()
      .filter(({ label, difficult }) => label === 0 && difficult !== true);
    expect(red.length).toBe(clean?.asr.of);
    expect(await detect(runtime, detectorOf(model).graph, scenes)).toHaveLength(16);
  },
);
