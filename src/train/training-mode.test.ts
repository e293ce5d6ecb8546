import { expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { arrayDataset, random } from '../data/index.ts';
import { Builder, modelOf } from '../graph/index.ts';
import { float, float32, type Graph } from '../onnx/index.ts';
import { train, withParameters } from './loop.ts';
import { predict } from './predict.ts';
import { constant } from './schedules.ts';
import { trainingStep } from './step.ts';
import { toTrainingMode, type TrainingMode } from './training-mode.ts';

const draw = random(0, 'training mode');
const drawn = (dims: readonly number[], scale = 1, shift = 0) =>
  float32(
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => draw.normal() * scale + shift),
  );

/** x [N, 4] -> normalized by statistics far from the data's -> 3 classes. */
function normalizing(): Graph {
  const b = new Builder();
  const x = b.input('x', 'float32', ['N', 4]);
  const y = b.op(
    'BatchNormalization',
    [
      x,
      b.initializer('scale', float32([4], [1, 1, 1, 1])),
      b.initializer('shift', float32([4], [0, 0, 0, 0])),
      b.initializer('mean', float32([4], [0, 0, 0, 0])),
      b.initializer('variance', float32([4], [1, 1, 1, 1])),
    ],
    { momentum: float(0.8) },
  );
  const logits = b.op(
    'Gemm',
    [y, b.initializer('weight', drawn([3, 4])), b.initializer('bias', float32([3], [0, 0, 0]))],
    { transB: 1 },
    'logits',
  );
  return b.build([{ name: logits }]);
}

const settings = {
  input: 'x',
  logits: 'logits',
  sample: [4],
  classes: 3,
  batchSize: 8,
  optimizer: { kind: 'sgd', momentum: 0 },
  parameters: ['scale', 'shift', 'weight', 'bias'],
} as const;

test('running statistics equal those of ONNX Runtime', async () => {
  const runtime = await testRuntime();
  const step = await trainingStep(runtime, normalizing(), { ...settings, mode: 'training' });
  const b = new Builder();
  const inputs = ['x', 'scale', 'shift', 'mean', 'variance'];
  for (const name of inputs) b.input(name, 'float32', name === 'x' ? [8, 4] : [4]);
  const outputs = b.ops(
    'BatchNormalization',
    inputs,
    { training_mode: 1, momentum: float(0.8) },
    3,
  );
  const own = await runtime.open(modelOf(b.build(outputs.map((name) => ({ name })))));
  let [mean, variance] = [float32([4], [0, 0, 0, 0]), float32([4], [1, 1, 1, 1])];
  for (let batch = 0; batch < 3; batch += 1) {
    const x = drawn([8, 4], 3, 5);
    await step.run({ x: x.data, y: new Int32Array(8), weights: new Float32Array(8).fill(1) }, 0);
    const given = { scale: float32([4], [1, 1, 1, 1]), shift: float32([4], [0, 0, 0, 0]) };
    const results = await own.run({ x, ...given, mean, variance });
    mean = results[outputs[1] as string] as typeof mean;
    variance = results[outputs[2] as string] as typeof variance;
    for (const [name, expected] of Object.entries({ mean, variance })) {
      const now = [...(step.parameters().get(name)?.data ?? [])];
      expect(now).toHaveLength(4);
      now.forEach((value, i) => expect(value).toBeCloseTo(expected.data[i] as number, 4));
    }
  }
  await step.dispose();
  await own.dispose();
});

test('a network trained with batch statistics is accurate with running statistics', async () => {
  const runtime = await testRuntime();
  const labels = Int32Array.from({ length: 90 }, (_, i) => i % 3);
  const data = arrayDataset({
    name: 'far from zero',
    classes: ['a', 'b', 'c'],
    sample: [4],
    labels,
    data: Float32Array.from(
      { length: 360 },
      (_, i) => 50 + 3 * draw.normal() + (i % 4 === (labels[i >> 2] as number) ? 20 : 0),
    ),
  });
  const graph = normalizing();
  const trained = await train(runtime, graph, data, {
    ...settings,
    mode: 'training',
    epochs: 20,
    schedule: constant(0.1),
    seed: 0,
  });
  expect(trained.get('mean')?.data[0]).toBeGreaterThan(40);
  const predicted = await predict(runtime, withParameters(graph, trained), data, {
    input: 'x',
    logits: 'logits',
  });
  const right = predicted.filter((label, i) => label === labels[i]).length;
  expect(right / 90).toBeGreaterThan(0.95);
  const frozen = await train(runtime, graph, data, {
    ...settings,
    epochs: 1,
    schedule: constant(0.001),
    seed: 0,
  });
  expect([...frozen.keys()]).toEqual(settings.parameters);
});

function dropping(): Graph {
  const b = new Builder();
  const x = b.input('x', 'float32', ['N', 4]);
  const scaled = b.op('Mul', [x, b.initializer('scale', float32([4], [1, 1, 1, 1]))]);
  const kept = b.op('Dropout', [scaled, b.constant(float32([], [0.5]))]);
  const weight = b.initializer('weight', float32([4, 3], Array<number>(12).fill(1)));
  const logits = b.op('MatMul', [kept, weight], {}, 'logits');
  return b.build([{ name: logits }]);
}

test('Dropout depends on its seed, and is inactive as written', async () => {
  const runtime = await testRuntime();
  const x = drawn([8, 4]).data;
  const y = Int32Array.from({ length: 8 }, (_, i) => i % 3);
  const weights = new Float32Array(8).fill(1);
  const run = async (mode: TrainingMode, seed: number) => {
    const step = await trainingStep(runtime, dropping(), {
      ...settings,
      parameters: ['scale', 'weight'],
      mode,
      seed,
    });
    await step.run({ x, y, weights }, 0.1);
    await step.run({ x, y, weights }, 0.1);
    const after = ['scale', 'weight'].flatMap((name) => [
      ...(step.parameters().get(name)?.data ?? []),
    ]);
    await step.dispose();
    return after;
  };
  const first = await run('training', 1);
  expect(await run('training', 1)).toEqual(first);
  expect(await run('training', 2)).not.toEqual(first);
  expect(await run('dropout', 1)).toEqual(first);
  expect(await run('as written', 1)).not.toEqual(first);
  expect(await run('as written', 1)).toEqual(await run('as written', 2));
});

test("mode 'dropout' leaves BatchNormalization as written", () => {
  expect(toTrainingMode(normalizing(), 0).running).toHaveLength(2);
  const { graph, running } = toTrainingMode(normalizing(), 0, 'dropout');
  expect(running).toEqual([]);
  expect(graph.nodes).toEqual(normalizing().nodes);
});

test('statistics that another node reads do not change', () => {
  const b = new Builder();
  const x = b.input('x', 'float32', ['N', 4]);
  const shared = b.initializer('shared', float32([4], [1, 1, 1, 1]));
  const normal = b.op('BatchNormalization', [x, shared, shared, shared, shared]);
  const graph = b.build([{ name: normal }]);
  expect(toTrainingMode(graph, 0)).toEqual({ graph, running: [] });
});
