import { expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { openClassifier, judge, predictTest } from '../../network/index.ts';
import { lastSite, sitesOf } from '../../channels/index.ts';
import type { Model } from '../../onnx/index.ts';
import { constant } from '../../train/index.ts';
import { triggered } from '../attacks/poison.ts';
import { rowsNetwork, rowsTask } from '../../../test/helpers/lab.ts';
import { attacksOn, reproduce, type TrainedNetwork } from './experiment.ts';
import { ablateUnits } from './ablation.ts';
import type { Task } from '../tasks/task.ts';

const task: Task = {
  ...rowsTask,
  network: (seed) => rowsNetwork(seed, 6),
  training: { ...rowsTask.training, schedule: constant(0.02) },
};

test('runs three networks against no defense and three, and says what each unit does', async () => {
  const stages: string[] = [];
  const kept: [string, Model][] = [];
  const { runs, networks, models } = await reproduce(await testRuntime(), task, {
    seed: 1,
    onProgress: (stage) => stages.push(stage),
    async onTrained({ attack, model }) {
      // In time for a run that ends while networks are defended.
      expect(stages).not.toContain('clean network: prune');
      kept.push([attack, model]);
    },
  });
  expect(Object.fromEntries(kept)).toEqual(models);
  const all = ['none', 'baseline', 'pruning-aware'].flatMap((attack) =>
    ['none', 'fine-pruning', 'fine-tuning', 'pruning'].map((defense) => `${attack} ${defense}`),
  );
  expect(runs.map(({ attack, defense }) => `${attack} ${defense}`).toSorted()).toEqual(
    all.toSorted(),
  );
  for (const run of runs) {
    expect(run).toMatchObject({ task: 'rows', source: 'synthetic', seed: 1 });
    expect([run.acc.of, run.asr.of, run.ra.of]).toEqual([90, 60, 90]);
    expect(run.seconds).toBeGreaterThan(0);
  }
  const [clean, baseline, aware] = networks;
  expect(networks.map(({ attack }) => attack)).toEqual(['none', 'baseline', 'pruning-aware']);
  for (const network of networks) {
    expect(network.units.map(({ unit }) => unit)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(network.order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(network.curve.map(({ pruned }) => pruned)).toEqual([0, 1, 2, 3, 4, 5]);
  }
  expect(clean?.units.some(({ decoy }) => decoy)).toBe(false);
  expect(baseline?.tries).toBeUndefined();
  // Decoys come first in the order of pruning.
  const decoys = aware?.units.filter(({ decoy }) => decoy).map(({ unit }) => unit) ?? [];
  expect(decoys.length).toBeGreaterThanOrEqual(3);
  expect(aware?.order.slice(0, decoys.length).toSorted((a, b) => a - b)).toEqual(decoys);
  expect(aware?.tries?.length).toBeGreaterThanOrEqual(1);

  // What the table says of a network is what its file does.
  const data = await task.load(1);
  const dataset = triggered(data.test, task.trigger);
  const full = { clean: data.test, triggered: { dataset, target: task.target } };
  for (const attack of ['none', 'baseline', 'pruning-aware'] as const) {
    const runtime = await testRuntime();
    const opened = await openClassifier(runtime, models[attack] as Model, data.test);
    const evaluation = judge(opened, await predictTest(runtime, opened, opened.graph, full), full);
    const said = runs.find((run) => run.attack === attack && run.defense === 'none');
    expect({ acc: said?.acc, asr: said?.asr, ra: said?.ra }).toEqual(evaluation);
  }
  expect(new Set(stages)).toContain('pruning-aware attack: retrain without 3 of 6 units');
  expect(new Set(stages)).toContain('baseline network: fine-prune');
});

test('takes up networks that are trained already, and makes of them the same', async () => {
  const runtime = await testRuntime();
  const trained: TrainedNetwork[] = [];
  const first = await reproduce(runtime, task, {
    seed: 3,
    quick: true,
    onTrained: async (network) => void trained.push(network),
  });
  const stages = new Set<string>();
  const again = await reproduce(runtime, task, {
    seed: 3,
    quick: true,
    trained,
    onProgress: (stage) => stages.add(stage),
    onTrained: () => Promise.reject(new Error('trained once more')),
  });
  expect([...stages].filter((stage) => stage.includes('train'))).toEqual([]);
  expect(again.networks).toEqual(first.networks);
  const attacks = ({ runs }: typeof first) => runs.filter(({ defense }) => defense === 'none');
  expect(attacks(again)).toEqual(attacks(first));
});

test('with the same seed gives the same rates', async () => {
  const runtime = await testRuntime();
  const first = await reproduce(runtime, task, { seed: 2, quick: true });
  const again = await reproduce(runtime, task, { seed: 2, quick: true });
  expect(first.runs[0]?.acc.of).toBe(9);
  const rates = ({ runs }: typeof first) => runs.map((run) => ({ ...run, seconds: 0 }));
  expect(rates(again)).toEqual(rates(first));
  expect(again.networks).toEqual(first.networks);
});

test('makes only the networks asked for, the same as with the others', async () => {
  const runtime = await testRuntime();
  const one = await reproduce(runtime, task, { seed: 1, quick: true, attacks: ['baseline'] });
  const whole = await reproduce(runtime, task, { seed: 1, quick: true });
  expect(new Set(one.runs.map(({ attack }) => attack))).toEqual(new Set(['baseline']));
  expect(Object.keys(one.models)).toEqual(['baseline']);
  expect(one.networks).toEqual(whole.networks.slice(1, 2));
});

test('without settings of a pruning-aware attack there is none', async () => {
  const runtime = await testRuntime();
  const { pruningAware: _, ...plain } = task;
  expect(attacksOn(plain)).toEqual(['none', 'baseline']);
  const { models } = await reproduce(runtime, plain, { seed: 1, quick: true });
  expect(Object.keys(models)).toEqual(attacksOn(plain));
  await expect(
    reproduce(runtime, plain, { seed: 1, quick: true, attacks: ['pruning-aware'] }),
  ).rejects.toMatchObject({ code: 'attack/settings' });
});

test('silences one unit at a time, as a mask on it does', async () => {
  const runtime = await testRuntime();
  const data = await task.load(1);
  const classifier = await openClassifier(runtime, task.network(3, data.test.classes), data.test);
  const site = lastSite(classifier.traced, sitesOf(classifier.traced, classifier.scores));
  const stamped = triggered(data.test, task.trigger);
  const silenced = await ablateUnits(runtime, classifier, site, {
    clean: data.test,
    triggered: stamped,
    target: task.target,
  });
  expect(silenced.map(({ unit }) => unit)).toEqual([0, 1, 2, 3, 4, 5]);
  for (const { unit, acc, asr } of silenced) {
    // AblatedUnit by hand: the weights that read it are zero.
    const { graph } = classifier;
    const weight = graph.initializers.get('fc.weight');
    if (weight?.type !== 'float32') throw new Error('no weights');
    const silent = weight.data.map((value, at) =>
      Math.floor((at % 384) / 64) === unit ? 0 : value,
    );
    const initializers = new Map(graph.initializers).set('fc.weight', { ...weight, data: silent });
    const test = { clean: data.test, triggered: { dataset: stamped, target: task.target } };
    const masked = { ...graph, initializers };
    const evaluation = judge(
      classifier,
      await predictTest(runtime, classifier, masked, test),
      test,
    );
    expect({ acc, asr }).toEqual({ acc: evaluation.acc, asr: evaluation.asr });
  }
});
