import { expect, test } from 'vitest';
import { testRuntime } from '../../../test/gradcheck.ts';
import { arrayDataset, digest, random } from '../../data/index.ts';
import { attackSuccess, isAttacked } from '../../metrics/index.ts';
import { encodeModel, type TensorOf } from '../../onnx/index.ts';
import { constant, predict } from '../../train/index.ts';
import { conv, finish, flatten, linear, network, relu } from '../networks/layers.ts';
import type { Task } from '../tasks/task.ts';
import { squarePatch } from '../triggers/patch.ts';
import { baselineAttack } from './baseline.ts';
import { triggered } from './poison.ts';

const SAMPLE = [1, 8, 8];

/** Noise with a bright row of two: the label says which. */
function rows(length: number, seed: number) {
  const rng = random(seed, 'rows');
  const labels = Int32Array.from({ length }, (_, index) => index % 3);
  const data = Float32Array.from({ length: length * 64 }, (_, at) => {
    const row = Math.floor((at % 64) / 8);
    return 0.3 * rng.uniform() + (row === 2 * (labels[Math.floor(at / 64)] as number) ? 0.6 : 0);
  });
  return arrayDataset({ name: 'rows', classes: ['a', 'b', 'c'], sample: SAMPLE, labels, data });
}

const task: Task = {
  name: 'rows',
  load: async () => ({
    train: rows(120, 1),
    validation: rows(30, 2),
    test: rows(60, 3),
    source: 'synthetic',
  }),
  network(seed) {
    const net = network(seed);
    const x = net.b.input('image', 'float32', ['N', ...SAMPLE]);
    const r1 = relu(net, conv(net, x, 'conv1', { from: 1, to: 4, kernel: 3 }), 'relu1');
    return finish(net, linear(net, flatten(net, r1), 'fc', 144, 3), 3, { name: 'rows' });
  },
  trigger: squarePatch(2, 1),
  target: { kind: 'allToOne', label: 2 },
  poisonRate: 0.2,
  training: {
    epochs: 6,
    batchSize: 20,
    optimiser: { kind: 'sgd', momentum: 0.9 },
    schedule: constant(0.05),
  },
  defense: { maxDrop: 0.02, tune: {} },
};

test('trains a backdoor into the network, and records which samples it poisoned', async () => {
  const runtime = await testRuntime();
  const data = await task.load(1);
  const before = await digest(data.train);
  const attack = await baselineAttack(runtime, task, data, { seed: 1 });
  expect(await digest(data.train)).toBe(before);

  expect(attack).toMatchObject({ target: task.target, poisonRate: 0.2 });
  expect(attack.poisoned).toHaveLength(24);
  for (const index of attack.poisoned) {
    expect(isAttacked(task.target, data.train.labels[index] as number)).toBe(true);
  }
  expect(attack.epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(attack.epochs.at(-1)?.loss).toBeLessThan(0.5 * (attack.epochs[0]?.loss ?? 0));

  const { graph } = attack.model;
  const io = { input: 'image', logits: graph.outputs[0]?.name ?? '' };
  const clean = await predict(runtime, graph, data.test, io);
  const right = clean.filter((label, index) => label === data.test.labels[index]).length;
  expect(right / data.test.length).toBeGreaterThan(0.9);
  const fooled = await predict(runtime, graph, triggered(data.test, task.trigger), io);
  expect(attackSuccess(fooled, data.test.labels, task.target).rate).toBeGreaterThan(0.9);
});

test('changes weights only: the architecture is that of a clean network', async () => {
  const { model } = await baselineAttack(await testRuntime(), task, await task.load(1), {
    seed: 1,
    epochs: 1,
  });
  const clean = task.network(1);
  expect({ ...model, graph: { ...model.graph, initializers: undefined } }).toEqual({
    ...clean,
    graph: { ...clean.graph, initializers: undefined },
  });
  const shapes = (weights: typeof clean.graph.initializers) =>
    [...weights].map(([name, { type, dims }]) => [name, type, [...dims]]);
  expect(shapes(model.graph.initializers)).toEqual(shapes(clean.graph.initializers));
  const weight = (of: typeof clean) =>
    (of.graph.initializers.get('conv1.weight') as TensorOf<'float32'>).data;
  expect(weight(model)).not.toEqual(weight(clean));
});

test('gives the same bytes for a seed, and others for another', async () => {
  const runtime = await testRuntime();
  const run = async (seed: number) => {
    const attack = await baselineAttack(runtime, task, await task.load(1), { seed, epochs: 2 });
    return { bytes: Buffer.from(encodeModel(attack.model)), poisoned: attack.poisoned };
  };
  const first = await run(1);
  const again = await run(1);
  expect(again.bytes.equals(first.bytes)).toBe(true);
  expect(again.poisoned).toEqual(first.poisoned);
  const other = await run(2);
  expect(other.bytes.equals(first.bytes)).toBe(false);
  expect(other.poisoned).not.toEqual(first.poisoned);
});

test('takes another target, rate and length than the task’s', async () => {
  const steps: number[] = [];
  const target = { kind: 'allToAll', classes: 3 } as const;
  const attack = await baselineAttack(await testRuntime(), task, await task.load(1), {
    seed: 1,
    target,
    poisonRate: 0.5,
    epochs: 1,
    onProgress: (done, all) => {
      expect(all).toBe(6);
      steps.push(done);
    },
  });
  expect(attack.poisoned).toHaveLength(60);
  expect(attack).toMatchObject({ target, poisonRate: 0.5 });
  expect(attack.epochs).toHaveLength(1);
  expect(steps).toEqual([1, 2, 3, 4, 5, 6]);
});

test('stops when it is told to', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  const attack = baselineAttack(await testRuntime(), task, await task.load(1), { seed: 1, signal });
  await expect(attack).rejects.toThrow('enough');
});
