import { expect, test } from 'vitest';
import { testRuntime } from '../../../../test/helpers/gradcheck.ts';
import { float32, type Graph, type TensorOf } from '../../../onnx/index.ts';
import { repair, type RepairOptions } from '../../repair.ts';
import { lastOf, tuningOf } from '../../../../test/helpers/repair.ts';
import { judge, predictTest } from '../../../network/index.ts';
import type { FineTuning } from './fine-tune.ts';
import { images, specimen } from '../../../../test/helpers/networks.ts';
import { averageWeights } from './average-weights.ts';

const weighing = (w: number, chosen = 1) =>
  ({
    chosen,
    graph: { initializers: new Map([['w', float32([2], [w, -w])]]) },
  }) as unknown as FineTuning;

const start = { initializers: new Map([['w', float32([2], [7, 8])]]) } as unknown as Graph;

const weightsOf = ({ initializers }: Graph) => [
  ...(initializers.get('w') as TensorOf<'float32'>).data,
];

test('averaged weights are the mean of the weights', () => {
  expect(weightsOf(averageWeights(start, [weighing(1), weighing(2), weighing(6)], ['w']))).toEqual([
    3, -3,
  ]);
});

test('runs that were left out have no part in it', () => {
  expect(
    weightsOf(averageWeights(start, [weighing(1), weighing(9, 0), weighing(2)], ['w'])),
  ).toEqual([1.5, -1.5]);
  expect(weightsOf(averageWeights(start, [weighing(9, 0), weighing(9, 0)], ['w']))).toEqual([7, 8]);
});

const repaired = async (more: RepairOptions) =>
  repair(await testRuntime(), specimen('Conv with bias').model, images(60), {
    epochs: 2,
    rate: 0.05,
    ...more,
  });

test('several runs are of other seeds, begin alike, and what is judged is their mean', async () => {
  const one = await repaired({});
  const all: number[] = [];
  const stages = new Set<string>();
  const three = await repaired({
    runs: 3,
    onProgress: (stage, done, of) => {
      stages.add(stage);
      if (stage === 'fine-tune') all.push(done / of);
    },
  });
  const { runs } = tuningOf(three);
  expect(runs).toHaveLength(3);
  expect(runs[0]).toEqual(tuningOf(one).runs[0]);
  expect(new Set(runs.map(({ epochs }) => epochs.at(-1)?.loss)).size).toBe(3);
  expect(new Set(runs.map(({ start }) => start.validation.hits)).size).toBe(1);
  const { network } = lastOf(three);
  expect(network.graph.initializers).not.toEqual(lastOf(one).network.graph.initializers);
  const holdout = { clean: three.clean.holdout };
  const predictions = await predictTest(await testRuntime(), network, network.graph, holdout);
  expect(three.holdout.after).toEqual(judge(network, predictions, holdout).acc);
  // One stage, that goes from its beginning to its end once.
  expect([...all].sort((a, b) => a - b)).toEqual(all);
  expect(all.at(-1)).toBe(1);
  expect([...stages].filter((stage) => stage === 'fine-tune')).toHaveLength(1);
});

test.each([0, -1, 1.5, NaN])('%d runs are refused', async (runs) => {
  await expect(repaired({ runs })).rejects.toMatchObject({ code: 'defense/settings' });
});
