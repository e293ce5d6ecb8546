import { expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { Builder, modelOf } from '../graph/index.ts';
import { float32, type Graph, type Tensor } from '../onnx/index.ts';
import { splitGraph } from './split-graph.ts';

test('the second part continues from the first and repeats no node', async () => {
  const b = new Builder();
  const x = b.input('x', 'float32', [2]);
  const choice = b.input('choice', 'float32', [2]);
  const w = b.initializer('w', float32([2], [2, 3]));
  const hidden = b.op('Mul', [x, w], {}, 'hidden');
  const early = b.op('Neg', [hidden], {}, 'early');
  const both = b.op('Add', [b.op('Mul', [hidden, choice]), early], {}, 'both');
  const graph = b.build([{ name: both }, { name: early }]);

  const { first, second, boundary } = splitGraph(graph, [early]);
  expect(first.nodes.map(({ op }) => op)).toEqual(['Mul', 'Neg']);
  expect(second.nodes.map(({ op }) => op)).toEqual(['Mul', 'Add']);
  expect([...boundary].toSorted()).toEqual(['early', 'hidden']);
  expect(second.inputs.map(({ name }) => name).toSorted()).toEqual(['choice', 'early', 'hidden']);

  const runtime = await testRuntime();
  const run = async (part: Graph, feeds: Record<string, Tensor>) => {
    const typed = part.inputs.map((input) => ({ type: 'float32' as const, dims: [2], ...input }));
    const session = await runtime.open(modelOf({ ...part, inputs: typed }));
    const results = await session.run(feeds);
    await session.dispose();
    return results;
  };
  const fed = { x: float32([2], [1, -1]), choice: float32([2], [5, 7]) };
  const made = await run(first, { x: fed.x });
  expect([...(made['early']?.data ?? [])]).toEqual([-2, 3]);
  const late = await run(second, { ...made, choice: fed.choice });
  expect([...(late[both]?.data ?? [])]).toEqual([8, -18]);
});
