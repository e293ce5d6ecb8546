import { expect, test } from 'vitest';
import { testRuntime } from '../../test/gradcheck.ts';
import { float32, type Graph, type TensorOf } from '../onnx/index.ts';
import { defend, type DefendSettings, type Outcome } from './defend.ts';
import { judge, predictTest } from './evaluate.ts';
import { images, specimen } from './fixture.ts';
import type { FineTuning } from './fine-tune.ts';
import { merged, soup } from './merge.ts';

const weighing = (w: number) =>
  ({ initializers: new Map([['w', float32([2], [w, -w])]]) }) as unknown as Graph;

const weightsOf = ({ initializers }: Graph, name: string) =>
  initializers.get(name) as TensorOf<'float32'>;

test('a soup has the mean of the weights', () => {
  const made = soup([weighing(1), weighing(2), weighing(6)], ['w']);
  expect([...weightsOf(made, 'w').data]).toEqual([3, -3]);
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
  const { graph } = three.outcomes.at(-1) as Outcome;
  const { parameters } = three.classifier;
  const mean = soup(
    runs.map((run) => run.graph),
    parameters,
  );
  // Biases are corrected.
  const weights = parameters.filter((name) => weightsOf(mean, name).dims.length > 1);
  expect(weights.length).toBeGreaterThan(1);
  for (const name of weights) expect(weightsOf(graph, name)).toEqual(weightsOf(mean, name));
  const held = { clean: three.parts.held };
  const predictions = await predictTest(await testRuntime(), three.classifier, graph, held);
  expect(three.held.after).toEqual(judge(predictions, held).acc);
  // One stage, that goes from its beginning to its end once.
  expect([...all].sort((a, b) => a - b)).toEqual(all);
  expect(all.at(-1)).toBe(1);
  expect([...stages]).not.toContain('fine-tune');
});

test('one run all of the way is as it was trained; part of the way, only its biases are not', async () => {
  for (const mixing of [1, 0.5]) {
    const { outcomes, classifier } = await defended({
      tune: { epochs: 2, rate: 0.05, mixing, keep: 'last' },
    });
    const { graph, tunings = [] } = outcomes.at(-1) as Outcome;
    const trained = tunings[0]?.graph as Graph;
    const other = classifier.parameters.filter(
      (name) =>
        !weightsOf(trained, name).data.every((w, at) => w === weightsOf(graph, name).data[at]),
    );
    expect(other).toEqual(mixing === 1 ? [] : ['conv1.bias']);
  }
});

test('runs that were left out have no part in what is merged', async () => {
  const { classifier, outcomes, parts } = await defended({ runs: 2 });
  const [one, two] = outcomes.at(-1)?.tunings ?? [];
  const from = outcomes[0]?.graph as Graph;
  const made = async (tunings: readonly FineTuning[]) =>
    merged(await testRuntime(), classifier, from, tunings, 1, parts.tune);
  const bad = { ...(two as FineTuning), chosen: 0 };
  expect(await made([one as FineTuning, bad])).toBe(one?.graph);
  expect(await made([bad, bad])).toBe(from);
});

test('what is pruned stays pruned when runs are merged', async () => {
  const { outcomes, prunings } = await defended({
    runs: 2,
    maxDrop: 1,
    pruning: { share: 0.5 },
    tune: { epochs: 2, rate: 0.05, mixing: 0.8 },
  });
  const { pruned } = prunings[0];
  expect(pruned).toHaveLength(2);
  const { graph } = outcomes.at(-1) as Outcome;
  for (const unit of pruned) {
    expect(weightsOf(graph, 'conv1.bias').data[unit]).toBe(0);
    const { data } = weightsOf(graph, 'conv1.weight');
    const each = data.length / 4;
    expect(data.subarray(unit * each, (unit + 1) * each).every((w) => w === 0)).toBe(true);
  }
});

test.each([0, -1, 1.5, NaN])('%d runs are refused', async (runs) => {
  await expect(defended({ runs })).rejects.toMatchObject({ code: 'defense/runs' });
});
