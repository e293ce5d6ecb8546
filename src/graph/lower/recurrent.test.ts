import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Attributes, float, type Graph, type Tensor } from '../../onnx/index.ts';
import { type Runtime, trace } from '../../runtime/index.ts';
import { modelOf, normal, tensorOf, testRuntime } from '../../../test/helpers/gradcheck.ts';
import { Builder } from '../builder.ts';
import { OPSET } from '../opset.ts';
import { lowerRecurrent } from './recurrent.ts';

const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const;
type Op = keyof typeof GATES;

interface Layer {
  readonly op: Op;
  readonly direction: 'forward' | 'reverse' | 'bidirectional';
  readonly bias: boolean;
  readonly initial: boolean;
  readonly peepholes: boolean;
  readonly steps: number;
  readonly attributes?: Attributes | undefined;
}

const STEPS = 3;
const BATCH = 2;
const INPUT = 3;
const HIDDEN = 2;

function graphOf(layer: Layer, lengths?: readonly number[]): { graph: Graph; x: Tensor } {
  const { op, direction, steps } = layer;
  const b = new Builder();
  const directions = direction === 'bidirectional' ? 2 : 1;
  const rows = GATES[op] * HIDDEN;
  const weight = (name: string, dims: readonly number[], seed: number) => {
    const { data } = normal(dims, seed);
    return b.initializer(name, tensorOf('float32', dims, data));
  };
  const x = normal([steps, BATCH, INPUT], 1);
  const inputs = [
    b.input('x', 'float32', x.dims),
    weight('w', [directions, rows, INPUT], 2),
    weight('r', [directions, rows, HIDDEN], 3),
    layer.bias ? weight('b', [directions, 2 * rows], 4) : '',
    lengths ? b.constant({ type: 'int32', dims: [BATCH], data: Int32Array.from(lengths) }) : '',
    layer.initial ? weight('h', [directions, BATCH, HIDDEN], 5) : '',
    ...(op === 'LSTM'
      ? [
          layer.initial ? weight('c', [directions, BATCH, HIDDEN], 6) : '',
          layer.peepholes ? weight('p', [directions, 3 * HIDDEN], 7) : '',
        ]
      : []),
  ];
  const outputs = b.ops(
    op,
    inputs,
    { direction, hidden_size: HIDDEN, ...layer.attributes },
    op === 'LSTM' ? 3 : 2,
  );
  const graph = b.build(outputs.map((name) => ({ name })));
  return { graph, x: tensorOf('float32', x.dims, x.data) };
}

async function run(runtime: Runtime, graph: Graph, x: Tensor): Promise<Tensor[]> {
  const session = await runtime.open(modelOf(graph));
  const results = await session.run({ x });
  await session.dispose();
  return graph.outputs.map(({ name }) => results[name] as Tensor);
}

async function compare(layer: Layer, lengths?: readonly number[]): Promise<void> {
  const runtime = await testRuntime();
  const { graph, x } = graphOf(layer, lengths);
  const lowered = lowerRecurrent(await trace(runtime, graph, OPSET, { x }));
  expect(lowered.kept).toEqual([]);
  expect(lowered.changed).toEqual([graph.outputs[0]?.name]);
  expect(lowered.graph.nodes.some((node) => node.op in GATES)).toBe(false);
  const expected = await run(runtime, graph, x);
  const actual = await run(runtime, lowered.graph, x);
  for (const [index, { dims, data }] of expected.entries()) {
    expect(actual[index]?.dims).toEqual(dims);
    Array.from(data, Number).forEach((value, at) =>
      expect(Number(actual[index]?.data[at])).toBeCloseTo(value, 5),
    );
  }
}

const layers = fc.record({
  op: fc.constantFrom<Op>('LSTM', 'GRU', 'RNN'),
  direction: fc.constantFrom('forward' as const, 'reverse' as const, 'bidirectional' as const),
  bias: fc.boolean(),
  initial: fc.boolean(),
  peepholes: fc.boolean(),
  steps: fc.integer({ min: 1, max: 4 }),
});

const plain: Layer = {
  op: 'LSTM',
  direction: 'forward',
  bias: true,
  initial: true,
  peepholes: false,
  steps: STEPS,
};

describe('an unrolled recurrent layer', () => {
  test('computes what ONNX Runtime computes', async () => {
    await fc.assert(
      fc.asyncProperty(layers, fc.constantFrom(0, 1), async (layer, linear) => {
        const attributes: Attributes = layer.op === 'GRU' ? { linear_before_reset: linear } : {};
        await compare({ ...layer, attributes });
      }),
      { seed: 1, numRuns: 40 },
    );
  });

  test.each([
    ['clips', { ...plain, peepholes: true, attributes: { clip: float(0.4) } }],
    ['clips GRU', { ...plain, op: 'GRU', attributes: { clip: float(0.4) } }],
    [
      'other activations with parameters',
      {
        ...plain,
        direction: 'bidirectional',
        attributes: {
          activations: ['HardSigmoid', 'Softsign', 'LeakyRelu', 'Sigmoid', 'Affine', 'Elu'],
          activation_alpha: { floats: [0.3, 0.2, 0.7, 1.5] },
          activation_beta: { floats: [0.4, 0.1] },
        },
      },
    ],
    [
      'ScaledTanh',
      {
        ...plain,
        op: 'RNN',
        attributes: {
          activations: ['ScaledTanh'],
          activation_alpha: { floats: [1.5] },
          activation_beta: { floats: [0.6] },
        },
      },
    ],
    ['Relu', { ...plain, op: 'RNN', attributes: { activations: ['Relu'] } }],
  ] as [string, Layer][])('%s', async (_, layer) => {
    await compare(layer);
  });

  test('accepts sequence lengths that equal the number of steps', async () => {
    await compare(plain, [STEPS, STEPS]);
  });

  test('two layers keep their order and position', async () => {
    const runtime = await testRuntime();
    const b = new Builder();
    const weights = (name: string, rows: number, columns: number, seed: number) =>
      b.initializer(
        name,
        tensorOf('float32', [1, rows, columns], normal([rows, columns], seed).data),
      );
    const x = b.input('x', 'float32', [STEPS, BATCH, HIDDEN]);
    const w = weights('w', HIDDEN, HIDDEN, 1);
    const attributes = { hidden_size: HIDDEN };
    const first = b.op('RNN', [x, w, weights('r', HIDDEN, HIDDEN, 2)], attributes);
    const squeezed = b.op('Squeeze', [first, b.ints([1])]);
    const second = b.op('RNN', [squeezed, w, weights('r2', HIDDEN, HIDDEN, 3)], attributes);
    const graph = b.build([{ name: second }]);
    const feed = tensorOf(
      'float32',
      [STEPS, BATCH, HIDDEN],
      normal([STEPS, BATCH, HIDDEN], 4).data,
    );
    const lowered = lowerRecurrent(await trace(runtime, graph, OPSET, { x: feed }));
    expect(lowered.changed).toEqual([first, second]);
    const [[expected], [actual]] = [
      await run(runtime, graph, feed),
      await run(runtime, lowered.graph, feed),
    ];
    Array.from(expected?.data as Float32Array).forEach((value, at) =>
      expect(actual?.data[at]).toBeCloseTo(value, 5),
    );
  });

  test('gives the reason where a layer is not unrolled', async () => {
    const runtime = await testRuntime();
    const { graph, x } = graphOf(plain, [STEPS, 1]);
    const traced = await trace(runtime, graph, OPSET, { x });
    const lowered = lowerRecurrent(traced);
    expect(lowered.graph).toBe(traced.graph);
    expect(lowered.changed).toEqual([]);
    expect(lowered.kept.map(({ node, why }) => `${node.op}: ${why}`)).toEqual([
      'LSTM: its sequences have lengths of their own (sequence_lens)',
    ]);
  });
});
