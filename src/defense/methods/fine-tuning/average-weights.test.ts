import { expect, test } from 'vitest';
import { testRuntime } from '../../../../test/helpers/gradcheck.ts';
import { float32, type Graph, type TensorOf } from '../../../onnx/index.ts';
import { defend, type DefendSettings } from '../../repair.ts';
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

const defended = async (more: DefendSettings) =>
  defend(await testRuntime(), specimen('Conv with bias').model, images(60), undefined, {
    tune: { epochs: 2, rate: 0.05 },
    ...more,
  });

test('several runs are of other seeds, begin alike, and what is judged is their mean', async () => {
  const one = await defended({});
  const all: number[] = [];
  const stages = new Set<string>();
  const three = await defended({
    runs: 3,
    onProgress: (stage, done, of) => {
      stages.add(stage);
      if (stage === 'fine-prune') all.push(done / of);
    },
  });
  const runs = three.outcomes.at(-1)?.tunings ?? [];
  expect(runs).toHaveLength(3);
  expect(runs[0]).toEqual(one.outcomes.at(-1)?.tunings?.[0]);
  expect(new Set(runs.map(({ epochs }) => epochs.at(-1)?.loss)).size).toBe(3);
  expect(new Set(runs.map(({ start }) => start.held.hits)).size).toBe(1);
  const { graph } = three.outcomes.at(-1) as (typeof three.outcomes)[number];
  for (const name of three.classifier.parameters) {
    const [mean, ...each] = [graph, ...runs.map((run) => run.graph)].map(
      ({ initializers }) => (initializers.get(name) as TensorOf<'float32'>).data,
    );
    for (const [at, value] of (mean as Float32Array).entries()) {
      expect(value).toBeCloseTo(
        each.reduce((sum, data) => sum + (data[at] as number) / 3, 0),
        6,
      );
    }
  }
  const held = { clean: three.parts.held };
  const predictions = await predictTest(await testRuntime(), three.classifier, graph, held);
  expect(three.held.after).toEqual(judge(three.classifier, predictions, held).acc);
  // One stage, that goes from its beginning to its end once.
  expect([...all].sort((a, b) => a - b)).toEqual(all);
  expect(all.at(-1)).toBe(1);
  expect([...stages]).not.toContain('fine-tune');
});

test.each([0, -1, 1.5, NaN])('%d runs are refused', async (runs) => {
  await expect(defended({ runs })).rejects.toMatchObject({ code: 'defense/runs' });
});
