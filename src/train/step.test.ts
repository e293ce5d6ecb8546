import { afterAll, describe, expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import type { TensorOf } from '../onnx/index.ts';
import {
  BATCH,
  distance,
  golden,
  goldenBatch,
  goldenGraph,
  names,
  SAMPLE,
} from '../../test/helpers/train.ts';
import { type StepSettings, trainableIn, type TrainingStep, trainingStep } from './step.ts';

const open: TrainingStep[] = [];
afterAll(async () => {
  for (const step of open) await step.dispose();
});

async function stepOf(settings: Partial<StepSettings>): Promise<TrainingStep> {
  const step = await trainingStep(await testRuntime(), goldenGraph(), {
    input: 'image',
    logits: 'logits',
    sample: SAMPLE,
    classes: 5,
    batchSize: BATCH,
    optimizer: { kind: 'sgd' },
    parameters: names,
    ...settings,
  });
  open.push(step);
  return step;
}

const bytesOf = (step: TrainingStep) =>
  [...step.parameters()].map(([name, { data }]) => [name, Array.from(data)]);

describe('20 steps follow PyTorch', () => {
  test.each(golden.runs.map((run) => [run.name, run] as const))('%s', async (_, run) => {
    const step = await stepOf({ optimizer: run.settings });
    for (const [index, expected] of run.losses.entries()) {
      const { loss } = await step.run(goldenBatch(index), run.rate);
      expect(Math.abs(loss - expected) / expected, `step ${index}`).toBeLessThan(1e-3);
    }
    const last = step.parameters();
    for (const [name, { data }] of Object.entries(run.last)) {
      expect(distance((last.get(name) as TensorOf<'float32'>).data, data), name).toBeLessThan(5e-3);
    }
  });
});

test('rows of weight 0 change nothing: a padded batch trains as a short one', async () => {
  const optimizer = { kind: 'sgd', momentum: 0.9 } as const;
  const short = await stepOf({ batchSize: 5, optimizer });
  const padded = await stepOf({ optimizer });
  const { x, y } = goldenBatch(0);
  for (let index = 0; index < 3; index += 1) {
    const expected = await short.run(
      { x: x.slice(0, 5 * 64), y: y.slice(0, 5), weights: new Float32Array(5).fill(1) },
      0.1,
    );
    const rows = x.slice();
    rows.fill(100, 5 * 64);
    const weights = Float32Array.of(1, 1, 1, 1, 1, 0, 0, 0);
    const got = await padded.run({ x: rows, y, weights }, 0.1);
    expect(got.loss).toBeCloseTo(expected.loss, 5);
    expect(got.correct).toBe(expected.correct);
  }
  for (const [name, { data }] of short.parameters()) {
    const got = padded.parameters().get(name) as TensorOf<'float32'>;
    expect(distance(got.data, Array.from(data)), name).toBeLessThan(1e-4);
  }
});

describe('masked elements stay zero', () => {
  const pruned = new Set([1, 3]);
  const bias = {
    type: 'float32',
    dims: [4],
    data: Float32Array.from([0, 1, 2, 3], (unit) => (pruned.has(unit) ? 0 : 1)),
  } as const;
  const masks = new Map<string, TensorOf<'float32'>>([
    ['conv1.weight', { ...bias, dims: [4, 1, 1, 1] }],
    ['conv1.bias', bias],
  ]);
  test.each([
    { kind: 'sgd', momentum: 0.9, weightDecay: 0.1 } as const,
    { kind: 'adam', weightDecay: 0.1 } as const,
  ])('through %j', async (optimizer) => {
    const step = await stepOf({ optimizer, masks });
    const free = await stepOf({ optimizer });
    for (let index = 0; index < 5; index += 1) {
      await step.run(goldenBatch(index), 0.05);
      await free.run(goldenBatch(index), 0.05);
      for (const [name, each] of [
        ['conv1.weight', 9],
        ['conv1.bias', 1],
      ] as const) {
        const { data } = step.parameters().get(name) as TensorOf<'float32'>;
        const other = free.parameters().get(name) as TensorOf<'float32'>;
        data.forEach((value, at) => {
          expect(value === 0, `${name}[${at}]`).toBe(pruned.has(Math.floor(at / each)));
        });
        expect(other.data.every((value) => value !== 0)).toBe(true);
      }
    }
  });
});

test('parameters that an operator without a gradient blocks are reported, and the rest trains', async () => {
  const graph = goldenGraph();
  // conv2 reads what pool1 gives and the sum of its determinants.
  const nodes = graph.nodes.flatMap((node) => {
    if (node.op !== 'Conv' || node.inputs[1] !== 'conv2.weight') return [node];
    const [pooled, ...weights] = node.inputs as [string, string, string];
    const made = { domain: '', attributes: {} };
    return [
      { ...made, op: 'Det', name: 'det', inputs: [pooled], outputs: ['det'] },
      { ...made, op: 'ReduceSum', name: 'sum', inputs: ['det'], outputs: ['sum'] },
      { ...made, op: 'Add', name: 'mixed', inputs: [pooled, 'sum'], outputs: ['mixed'] },
      { ...node, inputs: ['mixed', ...weights] },
    ];
  });
  const settings = {
    input: 'image',
    logits: 'logits',
    sample: SAMPLE,
    classes: 5,
    batchSize: BATCH,
    optimizer: { kind: 'sgd' } as const,
    parameters: names,
  };
  const runtime = await testRuntime();
  const { trainable, blocked } = await trainableIn(runtime, { ...graph, nodes }, settings);
  expect(blocked.map(({ parameter, op }) => [parameter, op])).toEqual([
    ['conv1.weight', 'Det'],
    ['conv1.bias', 'Det'],
  ]);
  expect(trainable).toEqual(names.filter((name) => !name.startsWith('conv1')));
  const step = await trainingStep(
    runtime,
    { ...graph, nodes },
    { ...settings, parameters: trainable },
  );
  open.push(step);
  await step.run(goldenBatch(0), 0.1);
});

test('only the named parameters are trained', async () => {
  const step = await stepOf({ parameters: ['fc2.weight', 'fc2.bias'] });
  await step.run(goldenBatch(0), 0.1);
  expect([...step.parameters().keys()]).toEqual(['fc2.weight', 'fc2.bias']);
});

test('reset clears moments and step count: the run repeats exactly', async () => {
  const step = await stepOf({ optimizer: { kind: 'adam' } });
  const start = new Map(
    [...step.parameters()].map(([name, tensor]) => [
      name,
      { ...tensor, data: tensor.data.slice() },
    ]),
  );
  const run = async () => {
    for (let index = 0; index < 5; index += 1) await step.run(goldenBatch(index), 0.01);
    return bytesOf(step);
  };
  const first = await run();
  step.reset(start);
  expect(await run()).toEqual(first);
});

test.each([{ kind: 'sgd', momentum: 0.9 } as const, { kind: 'adam' } as const])(
  'a state goes on to the bit in another step: %j',
  async (optimizer) => {
    const [step, other] = [await stepOf({ optimizer }), await stepOf({ optimizer })];
    for (let index = 0; index < 3; index += 1) await step.run(goldenBatch(index), 0.01);
    const state = step.state();
    for (let index = 3; index < 6; index += 1) await step.run(goldenBatch(index), 0.01);
    await other.run(goldenBatch(3), 0.5);
    other.restore(state);
    for (let index = 3; index < 6; index += 1) await other.run(goldenBatch(index), 0.01);
    expect(bytesOf(other)).toEqual(bytesOf(step));
  },
);

const moved = async (settings: Partial<StepSettings>) => {
  const step = await stepOf(settings);
  const before = step.state().values.get('fc2.weight') as Float32Array;
  await step.run(goldenBatch(0), 0.01);
  const after = step.parameters().get('fc2.weight')?.data as Float32Array;
  return { before, move: after.map((value, at) => value - (before[at] as number)) };
};

describe('a learning-rate scale', () => {
  const scaleOne = new Map([['fc2.weight', 0.25]]);
  test.each([{ kind: 'sgd' } as const, { kind: 'adam' } as const])(
    'is a rate of one’s own for %j',
    async (optimizer) => {
      const { move: whole } = await moved({ optimizer });
      const { move: part } = await moved({ optimizer, scales: scaleOne });
      expect(Math.max(...whole.map(Math.abs))).toBeGreaterThan(1e-4);
      part.forEach((value, at) => expect(value).toBeCloseTo((whole[at] as number) / 4, 6));
    },
  );

  test('does not change weight decay', async () => {
    const { move: without } = await moved({ scales: scaleOne });
    const optimizer = { kind: 'sgd', weightDecay: 0.5 } as const;
    const { move: decayed, before } = await moved({ optimizer, scales: scaleOne });
    decayed.forEach((value, at) =>
      expect(value - (without[at] as number)).toBeCloseTo(-0.01 * 0.5 * (before[at] as number), 6),
    );
  });
});
