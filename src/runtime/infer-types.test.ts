import { describe, expect, test } from 'vitest';
import { FAMILIES, familiesIn, readFamily } from '../../test/helpers/families.ts';
import { Builder, normalize, OPSET, type Traced } from '../graph/index.ts';
import { float32, type Graph, int64, sizeOf } from '../onnx/index.ts';
import { inferTypes } from './infer-types.ts';
import { nodeRuntime } from './node.ts';
import type { Feeds, Runtime } from './runtime.ts';
import { trace } from './trace.ts';

const families = familiesIn(FAMILIES).filter((name) => name.endsWith('.frozen'));

const zeros = (graph: Graph): Feeds =>
  Object.fromEntries(
    graph.inputs.map(({ name, type, dims = [] }) => {
      const known = dims.map((dim) => (typeof dim === 'number' ? dim : 2));
      const values = Array<number>(sizeOf(known)).fill(0);
      return [name, type === 'int64' ? int64(known, values) : float32(known, values)];
    }),
  );

/** A runtime that counts the values it is asked to compute. */
function counting(runtime: Runtime): { runtime: Runtime; computed: () => number } {
  let computed = 0;
  return {
    computed: () => computed,
    runtime: {
      ...runtime,
      async open(model, options) {
        const session = await runtime.open(model, options);
        return {
          ...session,
          run: async (feeds, fetches) => {
            const results = await session.run(feeds, fetches);
            computed += Object.keys(results).length;
            return results;
          },
        };
      },
    },
  };
}

const plain = ({ graph, values }: Traced) => ({
  nodes: graph.nodes,
  initializers: [...graph.initializers].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  values: Object.fromEntries(
    [...values].map(([name, { type, dims }]) => [name, `${type} [${dims.join(', ')}]`]),
  ),
});

describe.each(['native', 'wasm'] as const)('%s: inference agrees with a run', (backend) => {
  test.each(backend === 'native' ? families : ['resnet.frozen', 'swin.frozen'])(
    '%s',
    async (family) => {
      const runtime = await nodeRuntime({ backend, threads: 1 });
      const { graph } = normalize(readFamily(FAMILIES, family).model);
      const keep = [...graph.initializers.keys()].filter((name) => /weight|bias/.test(name));
      const inferred = await inferTypes(runtime, graph, OPSET, zeros(graph), keep);
      expect(plain(inferred)).toEqual(
        plain(await trace(runtime, graph, OPSET, zeros(graph), keep)),
      );
    },
  );
});

test('only shape computations are run', async () => {
  const { runtime, computed } = counting(await nodeRuntime({ threads: 1 }));
  const b = new Builder();
  const x = b.input('x', 'float32', ['N', 3, 4]);
  const rows = b.op('Gather', [b.op('Shape', [x]), b.constant(int64([], [0]))]);
  const dims = b.op('Concat', [b.op('Unsqueeze', [rows, b.ints([0])]), b.ints([-1])], { axis: 0 });
  const y = b.op('Reshape', [b.op('Relu', [x]), dims]);
  const graph = b.build([{ name: y }]);
  const feeds = { x: float32([2, 3, 4], new Float32Array(24)) };
  const { values } = await inferTypes(runtime, graph, OPSET, feeds);
  expect(values.get(y)).toEqual({ type: 'float32', dims: [2, 12] });
  expect(computed()).toBe(3);
});

test('the network is run where inference leaves a value unknown', async () => {
  const { runtime, computed } = counting(await nodeRuntime({ threads: 1 }));
  const b = new Builder();
  const x = b.input('x', 'float32', [3]);
  const y = b.op('NonZero', [x], {}, 'where');
  const graph = b.build([{ name: y }]);
  const { values } = await inferTypes(runtime, graph, OPSET, { x: float32([3], [1, 0, 1]) });
  expect(values.get(y)).toEqual({ type: 'int64', dims: [1, 2] });
  expect(computed()).toBe(1);
});
