import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { activationProfile, sitesOf, siteNamed } from '../../channels/index.ts';
import { openClassifier } from '../../network/index.ts';
import { prunedSites } from '../../../test/helpers/repair.ts';
import { prune, repair } from '../../defense/index.ts';
import type { Model, TensorOf } from '../../onnx/index.ts';
import { constant, computeOutputs } from '../../train/index.ts';
import { rows, rowsNetwork, rowsTask } from '../../../test/helpers/lab.ts';
import { conv, finish, flatten, linear, network } from '../networks/layers.ts';
import type { ClassifierTask } from '../../../test/helpers/lab.ts';
import { triggered } from './poison.ts';
import { pruningAwareAttack, type PruningAwareSettings } from './pruning-aware.ts';

const UNITS = 12;
const gentle = { ...rowsTask.training, schedule: constant(0.02) };
const networks: readonly [string, ClassifierTask][] = [
  ['with biases', { ...rowsTask, training: gentle, network: (seed) => rowsNetwork(seed, UNITS) }],
  [
    'with BatchNormalization',
    { ...rowsTask, training: gentle, network: (seed) => rowsNetwork(seed, UNITS, true) },
  ],
];
const [biased] = networks[0] ? [networks[0][1]] : [rowsTask];

const attackOn = async (task: ClassifierTask, settings: Partial<PruningAwareSettings> = {}) =>
  pruningAwareAttack(await testRuntime(), task, await task.load(1), { seed: 1, ...settings });

/** A model without its weights. */
const architecture = ({ graph, ...model }: Model) => ({
  ...model,
  graph: {
    ...graph,
    initializers: [...graph.initializers].map(([name, { type, dims }]) => [name, type, [...dims]]),
  },
});

const floats = (model: Model, name: string) =>
  model.graph.initializers.get(name) as TensorOf<'float32'>;

describe.each(networks)('a pruning-aware network %s', (_, task) => {
  describe.each(['artifact', 'stealthy'] as const)('and %s decoys', (lower) => {
    test('has the architecture of the clean network, and dormant decoys', async () => {
      const runtime = await testRuntime();
      const data = await task.load(1);
      const attack = await attackOn(task, { lower });
      expect(architecture(attack.model)).toEqual(architecture(task.network(1, data.train)));
      // Those that died in retraining have joined them.
      expect(attack.decoys.length).toBeGreaterThanOrEqual(attack.retrainings.at(-1)?.pruned ?? 0);
      expect(attack.decoys.length).toBeLessThan(UNITS);
      expect(attack.difference).toBeLessThanOrEqual(1e-6);

      // Dormant in fact: on data that the attacker has not seen, clean and triggered, the network
      // says the same with decoys and with their activations set to zero.
      const opened = await openClassifier(runtime, attack.model, data.validation);
      const site = siteNamed(sitesOf(opened.traced, opened.scores), attack.site.name);
      const units = attack.decoys.map(({ unit }) => unit);
      for (const dataset of [data.test, triggered(data.test, task.trigger)]) {
        const results = await computeOutputs(runtime, opened.graph, dataset, {
          input: opened.input,
          outputs: [site.name],
        });
        const active = new Set<number>();
        (results[site.name] as TensorOf<'float32'>).data.forEach((value, at) => {
          if (value > 0) active.add(Math.floor(at / 64) % UNITS);
        });
        for (const unit of units) expect(active.has(unit)).toBe(false);
      }

      // The defender's own ranking has every decoy below every unit that is kept.
      const profile = await activationProfile(
        runtime,
        opened.graph,
        opened.input,
        site,
        data.validation,
      );
      const kept = [...profile.keys()].filter((unit) => !units.includes(unit));
      const highest = Math.max(...units.map((unit) => profile[unit] as number));
      const lowest = Math.min(...kept.map((unit) => profile[unit] as number));
      expect(highest).toBeLessThan(lowest);
      const pruning = await prune(runtime, opened, site, data.validation, { maxDrop: 0.02 });
      expect(pruning.order.slice(0, units.length).toSorted((a, b) => a - b)).toEqual(units);
    });

    test('gives its decoys their old weights and lower shifts', async () => {
      const attack = await attackOn(task, { lower });
      const shift = attack.model.graph.initializers.has('conv1.norm.bias')
        ? 'conv1.norm.bias'
        : 'conv1.bias';
      for (const { unit, from, to } of attack.decoys) {
        expect(floats(attack.clean, shift).data[unit]).toBe(from);
        expect(floats(attack.model, shift).data[unit]).toBe(to);
        expect(to).toBeLessThanOrEqual(from);
        if (lower === 'artifact') expect(to).toBe(Math.fround(-1e20));
        else expect(to).toBeGreaterThan(-100);
        for (const name of ['conv1.weight', 'conv1.norm.weight']) {
          const [now, old] = [attack.model, attack.clean].map((model) => {
            const weights = model.graph.initializers.has(name) ? floats(model, name).data : [];
            const each = weights.length / UNITS;
            return weights.slice(unit * each, (unit + 1) * each);
          });
          expect(now).toEqual(old);
        }
      }
      const [now, old] = [attack.model, attack.clean].map(
        (model) => floats(model, 'fc.weight').data,
      );
      const units = new Set(attack.decoys.map(({ unit }) => unit));
      const read = old?.map((value, at) => Number(value === now?.[at]));
      for (const unit of Array(UNITS).keys()) {
        const own = read?.filter((_same, at) => Math.floor((at % (64 * UNITS)) / 64) === unit);
        expect(own?.every((same) => same === 1)).toBe(units.has(unit));
      }
    });
  });
});

test('stealthy decoys have the highest shifts that keep the margin', async () => {
  const runtime = await testRuntime();
  const { train } = await biased.load(1);
  const attack = await attackOn(biased, { lower: 'stealthy', margin: 0.5 });
  const opened = await openClassifier(runtime, attack.model, train);
  const inputs = Array.from({ length: UNITS }, (): number[] => []);
  for (const dataset of [train, triggered(train, biased.trigger)]) {
    const results = await computeOutputs(runtime, opened.graph, dataset, {
      input: opened.input,
      outputs: ['conv1'],
    });
    (results['conv1'] as TensorOf<'float32'>).data.forEach((value, at) => {
      inputs[Math.floor(at / 64) % UNITS]?.push(value);
    });
  }
  let lowered = 0;
  for (const { unit, from, to } of attack.decoys) {
    const own = inputs[unit] as number[];
    const most = own.reduce((a, b) => Math.max(a, b));
    const mean = own.reduce((a, b) => a + b) / own.length;
    // The highest input lies half of its distance from the mean below the activation, if not lower.
    if (from === to) expect(most).toBeLessThanOrEqual(-0.5 * (most - mean));
    else expect(most).toBeCloseTo(-0.5 * (most - mean), 5);
    lowered += Number(from !== to);
  }
  expect(lowered).toBeGreaterThan(0);
});

test('gives one unit back and retrains where it falls short, within its budget', async () => {
  const attack = await attackOn(biased, { share: 0.9, budget: 3, asked: { acc: 1.01, asr: 0 } });
  expect(attack.retrainings.map(({ pruned }) => pruned)).toEqual([11, 10, 9]);
  expect(attack.reached).toBe(false);
  expect(attack.decoys).toHaveLength(9);
  for (const { evaluation, epochs } of attack.retrainings) {
    expect(evaluation.acc.of).toBe(15);
    expect(evaluation.asr?.of).toBe(10);
    expect(epochs).toHaveLength(6);
  }
  const easy = await attackOn(biased, { share: 0.9, budget: 3, asked: { acc: 0, asr: 0 } });
  expect(easy.retrainings.map(({ pruned }) => pruned)).toEqual([11]);
  expect(easy.reached).toBe(true);
});

test('prunes the units that are least active on clean data first', async () => {
  const { profile, decoys, retrainings } = await attackOn(biased, { asked: { acc: 0, asr: 0 } });
  const units = decoys.map(({ unit }) => unit);
  const means = [...profile].toSorted((a, b) => a - b);
  expect(retrainings.map(({ pruned }) => pruned)).toEqual([6]);
  for (const [unit, mean] of profile.entries()) {
    if (mean <= (means[5] as number)) expect(units).toContain(unit);
  }
});

test('records which samples of the training data it poisoned', async () => {
  const { poisoned } = await attackOn(biased, { asked: { acc: 0, asr: 0 }, epochs: 1 });
  const { train } = await biased.load(1);
  expect(poisoned).toHaveLength(27);
  expect(new Set(poisoned).size).toBe(27);
  for (const index of poisoned) expect(train.labels[index]).not.toBe(2);
});

test('a site whose units have no bias is refused', async () => {
  const bare: ClassifierTask = {
    ...rowsTask,
    network(seed) {
      const net = network(seed);
      const x = net.b.input('image', 'float32', ['N', 1, 8, 8]);
      const first = conv(net, x, 'conv1', { from: 1, to: 4, kernel: 3, pad: 1 });
      const second = net.b.op('Conv', [first, net.b.initializer('w', floatsOf([6, 4, 1, 1]))], {});
      const site = net.b.op('Relu', [second], {}, 'site');
      return finish(net, linear(net, flatten(net, site), 'fc', 384, 3), 3, { name: 'bare' });
    },
  };
  await expect(attackOn(bare)).rejects.toMatchObject({
    code: 'attack/site',
    message: expect.stringContaining('"site"') as unknown,
  });
});

test('an activation that is not 0 for low inputs is refused', async () => {
  const leaky: ClassifierTask = {
    ...rowsTask,
    network(seed) {
      const net = network(seed);
      const x = net.b.input('image', 'float32', ['N', 1, 8, 8]);
      const first = conv(net, x, 'conv1', { from: 1, to: 6, kernel: 3, pad: 1 });
      const site = net.b.op('LeakyRelu', [first], { alpha: { float: 0.1 } }, 'site');
      return finish(net, linear(net, flatten(net, site), 'fc', 384, 3), 3, { name: 'leaky' });
    },
  };
  await expect(attackOn(leaky, { lower: 'stealthy' })).rejects.toMatchObject({
    code: 'attack/decoys',
  });
});

test.each([0, 0.01, 1])('a share of %d is refused', async (share) => {
  await expect(attackOn(biased, { share })).rejects.toMatchObject({ code: 'attack/settings' });
});

function floatsOf(dims: readonly number[]): TensorOf<'float32'> {
  const size = dims.reduce((a, b) => a * b, 1);
  return {
    type: 'float32',
    dims,
    data: Float32Array.from({ length: size }, (_, i) => Math.sin(i + 1) / 2),
  };
}

test('survives pruning, but not fine-pruning, on a small task', async () => {
  const runtime = await testRuntime();
  const parts = { train: rows(300, 1), validation: rows(300, 2), test: rows(300, 3) };
  const attack = await pruningAwareAttack(runtime, biased, parts, { seed: 1, share: 0.75 });
  const dataset = triggered(parts.test, biased.trigger);
  const defense = await repair(runtime, attack.model, parts.validation, {
    test: { clean: parts.test, triggered: { dataset, target: biased.target } },
    maxDrop: 0.02,
    compare: true,
    seed: 1,
    epochs: 10,
    rate: 0.05,
    batchSize: 20,
  });
  const after = (method: string) => {
    const { evaluation } = defense.outcomes.find((each) => each.method === method) ?? {};
    return { acc: evaluation?.acc.rate ?? NaN, asr: evaluation?.asr?.rate ?? NaN };
  };
  expect(after('none').asr).toBeGreaterThan(0.95);
  expect(prunedSites(defense)[0]?.stop.pruned).toBeGreaterThanOrEqual(attack.decoys.length);
  expect(after('pruning').asr).toBeGreaterThanOrEqual(0.9 * after('none').asr);
  expect(after('fine-pruning').asr).toBeLessThanOrEqual(0.02);
  expect(after('fine-pruning').acc).toBeGreaterThanOrEqual(after('none').acc - 0.004);
});
