import { expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { openClassifier, judge, predictTest } from '../../network/index.ts';
import { defaultSites, sitesOf } from '../../channels/index.ts';
import type { Model } from '../../onnx/index.ts';
import { constant } from '../../train/index.ts';
import { triggered } from '../attacks/poison.ts';
import { type ClassifierTask, rowsNetwork, rowsTask } from '../../../test/helpers/lab.ts';
import { runExperiment } from './experiment.ts';
import { attacksOn } from './networks.ts';
import type { TrainedNetwork } from './results.ts';
import { ablateUnits } from './ablation.ts';

const task: ClassifierTask = {
  ...rowsTask,
  network: (seed) => rowsNetwork(seed, 6),
  training: { ...rowsTask.training, schedule: constant(0.02) },
};

test('trains three networks, runs every defense on each, and records every unit', async () => {
  const stages: string[] = [];
  const kept: [string, Model][] = [];
  const { runs, networks, trained } = await runExperiment(await testRuntime(), task, {
    seed: 1,
    onProgress: (stage) => stages.push(stage),
    async onTrained({ attack, model }) {
      // Before any defense, so that a killed run keeps it.
      expect(stages).not.toContain('clean network: prune');
      kept.push([attack, model]);
    },
  });
  const models = new Map(trained.map(({ attack, model }) => [attack, model]));
  expect(new Map(kept)).toEqual(models);
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
  expect(baseline?.retrainings).toBeUndefined();
  // Decoys come first in the order of pruning.
  const decoys = aware?.units.filter(({ decoy }) => decoy).map(({ unit }) => unit) ?? [];
  expect(decoys.length).toBeGreaterThanOrEqual(3);
  expect(aware?.order.slice(0, decoys.length).toSorted((a, b) => a - b)).toEqual(decoys);
  expect(aware?.retrainings?.length).toBeGreaterThanOrEqual(1);

  // The rates of the table are those of the model.
  const data = await task.load(1);
  const dataset = triggered(data.test, task.trigger);
  const full = { clean: data.test, triggered: { dataset, target: task.target } };
  for (const attack of ['none', 'baseline', 'pruning-aware'] as const) {
    const runtime = await testRuntime();
    const opened = await openClassifier(runtime, models.get(attack) as Model, data.test);
    const evaluation = judge(opened, await predictTest(runtime, opened, opened.graph, full), full);
    const said = runs.find((run) => run.attack === attack && run.defense === 'none');
    expect({ acc: said?.acc, asr: said?.asr, ra: said?.ra }).toEqual(evaluation);
  }
  expect(new Set(stages)).toContain('pruning-aware attack: retrain without 3 of 6 units');
  expect(new Set(stages)).toContain('baseline network: fine-tune');
});

test('reuses trained networks, with the same results', async () => {
  const runtime = await testRuntime();
  const trained: TrainedNetwork[] = [];
  const first = await runExperiment(runtime, task, {
    seed: 3,
    quick: true,
    onTrained: async (network) => void trained.push(network),
  });
  const stages = new Set<string>();
  const again = await runExperiment(runtime, task, {
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
  const first = await runExperiment(runtime, task, { seed: 2, quick: true });
  const again = await runExperiment(runtime, task, { seed: 2, quick: true });
  expect(first.runs[0]?.acc.of).toBe(9);
  const rates = ({ runs }: typeof first) => runs.map((run) => ({ ...run, seconds: 0 }));
  expect(rates(again)).toEqual(rates(first));
  expect(again.networks).toEqual(first.networks);
});

test('trains only the networks asked for, the same as with the others', async () => {
  const runtime = await testRuntime();
  const one = await runExperiment(runtime, task, { seed: 1, quick: true, attacks: ['baseline'] });
  const whole = await runExperiment(runtime, task, { seed: 1, quick: true });
  expect(new Set(one.runs.map(({ attack }) => attack))).toEqual(new Set(['baseline']));
  expect(one.trained.map(({ attack }) => attack)).toEqual(['baseline']);
  expect(one.networks).toEqual(whole.networks.slice(1, 2));
});

test('leaves out an attack that the task has no settings for', async () => {
  const runtime = await testRuntime();
  const { pruningAware: _, ...plain } = task;
  expect(await attacksOn(plain)).toEqual(['none', 'baseline']);
  const { trained } = await runExperiment(runtime, plain, { seed: 1, quick: true });
  expect(trained.map(({ attack }) => attack)).toEqual(['none', 'baseline']);
  await expect(
    runExperiment(runtime, plain, { seed: 1, quick: true, attacks: ['pruning-aware'] }),
  ).rejects.toMatchObject({ code: 'attack/settings' });
});

test('ablates one unit at a time, as a mask on it does', async () => {
  const runtime = await testRuntime();
  const data = await task.load(1);
  const classifier = await openClassifier(runtime, task.network(3, data.test), data.test);
  const site = defaultSites(
    classifier.traced,
    sitesOf(classifier.traced, classifier.scores),
    classifier.scores,
  ).sites[0];
  const stamped = triggered(data.test, task.trigger);
  const ablated = await ablateUnits(runtime, classifier, site, {
    clean: data.test,
    triggered: stamped,
    target: task.target,
  });
  expect(ablated.map(({ unit }) => unit)).toEqual([0, 1, 2, 3, 4, 5]);
  for (const { unit, acc, asr } of ablated) {
    // By hand: the weights that read the unit are zero.
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
