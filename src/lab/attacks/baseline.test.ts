import { expect, test } from 'vitest';
import { testRuntime } from '../../../test/helpers/gradcheck.ts';
import { digest } from '../../data/index.ts';
import { attackSuccess, isAttacked } from '../../metrics/index.ts';
import { decodeModel, encodeModel, type Model, type TensorOf } from '../../onnx/index.ts';
import { predict } from '../../train/index.ts';
import { rows, rowsTask as task } from '../../../test/helpers/lab.ts';
import { baselineAttack, cleanNetwork } from './baseline.ts';
import { triggered } from './poison.ts';

const without = (model: Model) => ({
  ...model,
  graph: { ...model.graph, initializers: [...model.graph.initializers.keys()] },
});

test('trains a backdoor into the network, and records which samples it poisoned', async () => {
  const runtime = await testRuntime();
  const data = await task.load(1);
  const before = await digest(data.train);
  const attack = await baselineAttack(runtime, task, data, { seed: 1 });
  expect(await digest(data.train)).toBe(before);

  expect(attack).toMatchObject({ target: task.target, poisonRate: 0.2 });
  expect(attack.poisoned).toHaveLength(30);
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
  const clean = task.network(1, rows(3, 1));
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

test('takes a target, rate and number of epochs other than the task’s', async () => {
  const steps: number[] = [];
  const target = { kind: 'all-to-all', classes: 3 } as const;
  const attack = await baselineAttack(await testRuntime(), task, await task.load(1), {
    seed: 1,
    target,
    poisonRate: 0.5,
    epochs: 1,
    onProgress: (done, all) => {
      expect(all).toBe(8);
      steps.push(done);
    },
  });
  expect(attack.poisoned).toHaveLength(75);
  expect(attack).toMatchObject({ target, poisonRate: 0.5 });
  expect(attack.epochs).toHaveLength(1);
  expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('stops when its signal aborts', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  const attack = baselineAttack(await testRuntime(), task, await task.load(1), { seed: 1, signal });
  await expect(attack).rejects.toThrow('enough');
});

test('trains a backdoor into a given network, and changes its weights only', async () => {
  const runtime = await testRuntime();
  const data = await task.load(1);
  const clean = await cleanNetwork(runtime, task, data.train, { seed: 1 });
  // As somebody's file comes: read from bytes, with names and metadata of its own.
  const bytes = encodeModel({ ...clean, producer: 'someone', metadata: new Map([['a', 'b']]) });
  const from = decodeModel(bytes);
  const attack = await baselineAttack(runtime, task, data, { seed: 1, from, epochs: 2 });
  expect(without(attack.model)).toEqual(without(from));
  const { graph } = attack.model;
  const io = { input: 'image', logits: graph.outputs[0]?.name ?? '' };
  const fooled = await predict(runtime, graph, triggered(data.test, task.trigger), io);
  expect(attackSuccess(fooled, data.test.labels, task.target).rate).toBeGreaterThan(0.9);
  // It is the weights given that are trained on: with nothing poisoned there is little to learn.
  const none = { seed: 1, epochs: 1, poisonRate: 0 };
  const [on, scratch] = [
    await baselineAttack(runtime, task, data, { ...none, from }),
    await baselineAttack(runtime, task, data, none),
  ];
  expect(on.epochs[0]?.loss).toBeLessThan(0.2 * (scratch.epochs[0]?.loss ?? 0));
});
