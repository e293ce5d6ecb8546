import { expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { blocks } from '../../../test/helpers/data.ts';
import { detect, detectorOf, specOf } from '../../network/index.ts';
import { oneCycle } from '../../train/index.ts';
import { onDetector } from '../attacks/attacker.ts';
import { attacksOn, reproduce } from './experiment.ts';
import { detectorNetwork } from '../networks/detector.ts';
import type { DetectionTask, DetectorTraining } from '../tasks/detection-task.ts';
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

const task: DetectionTask = {
  kind: 'detection',
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
  silenced: 3,
};

test(
  'the experiment on a detector: the table, and its networks',
  { timeout: 180_000 },
  async () => {
    const runtime = await testRuntime();
    expect(attacksOn(task)).toEqual(ATTACKS);
    const { runs, networks, models } = await reproduce(runtime, task, { seed: 0 });
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
      // What is called neither what it is, nor what the attacker wants, is not found: of two classes.
      expect(asr.hits + ra.hits + (missed?.hits ?? NaN)).toBe(asr.of);
    }
    expect(networks.map(({ site, units }) => [site, units.length])).toEqual(
      ATTACKS.map(() => ['relu5', 16]),
    );
    // Decoys are what the defender prunes first.
    const aware = networks[2];
    const decoys = (aware?.units ?? []).flatMap(({ unit, decoy }) => (decoy ? [unit] : []));
    expect(decoys.length).toBeGreaterThanOrEqual(6);
    expect(aware?.tries).toMatchObject([{ pruned: 6 }]);
    expect(aware?.order.slice(0, decoys.length).toSorted((a, b) => a - b)).toEqual(decoys);

    // Only what the clean detector finds without the trigger is counted, the same for all networks.
    const { test: scenes } = await task.load(0);
    if (!models.none) throw new Error('no clean network');
    const counted = await onDetector(task).triggered(runtime, scenes, models.none);
    const red = (counted.objects ?? [])
      .flat()
      .filter(({ label, difficult }) => label === 0 && difficult !== true);
    expect(red.length).toBe(clean?.asr.of);
    expect(await detect(runtime, detectorOf(models.none).graph, scenes)).toHaveLength(16);
  },
);
