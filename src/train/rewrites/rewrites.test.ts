import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FEW } from '../../../test/helpers/arbitraries.ts';
import { normal, testRuntime } from '../../../test/helpers/gradcheck.ts';
import { appendGradients } from '../../autodiff/index.ts';
import { Builder, OPSET, type Traced } from '../../graph/index.ts';
import type { Graph, TensorOf } from '../../onnx/index.ts';
import { trace } from '../../runtime/index.ts';
import { batchStatistics } from './batch-statistics.ts';
import { rewriteAsMatmul } from './conv-as-matmul.ts';
import { rewriteAsWinograd, type WinogradPlan } from './winograd.ts';
import { depthwiseAsMatmul } from './depthwise-as-matmul.ts';
import { rewriteForTraining } from './index.ts';
import { poolBeforeRelu } from './pool-before-relu.ts';
import { polyphasePool } from './polyphase-pool.ts';
import { rewrite, type Rewrite } from './rewriter.ts';

interface Case {
  readonly x: TensorOf<'float32'>;
  readonly parameters: Readonly<Record<string, TensorOf<'float32'>>>;
  readonly build: (b: Builder) => string;
}

/** A loss that weighs every element of the output differently, and its gradients. */
async function traced({ x, parameters, build }: Case): Promise<Traced> {
  const runtime = await testRuntime();
  const b = new Builder();
  b.input('x', 'float32', x.dims);
  for (const [name, tensor] of Object.entries(parameters)) b.initializer(name, tensor);
  const y = build(b);
  const curved = b.op('Mul', [y, b.op('Add', [y, b.scalar(0.3)])]);
  const loss = b.op('ReduceSum', [curved], { keepdims: 0 }, 'loss');
  return trace(runtime, b.build([{ name: loss }]), OPSET, { x }, Object.keys(parameters));
}

async function results(graph: Traced, { x, parameters }: Case) {
  const runtime = await testRuntime();
  const b = new Builder(graph.graph);
  const gradients = appendGradients(b, graph, 'loss', Object.keys(parameters));
  const outputs = ['loss', ...gradients.values()].map((name) => ({ name }));
  const session = await runtime.open({
    irVersion: 10,
    opsets: new Map([['', OPSET]]),
    producer: 'test',
    metadata: new Map(),
    graph: b.build(outputs),
  });
  try {
    const got = await session.run({ x });
    return outputs.map(({ name }) => got[name] as TensorOf<'float32'>);
  } finally {
    await session.dispose();
  }
}

function close(
  got: readonly TensorOf<'float32'>[],
  expected: readonly TensorOf<'float32'>[],
): void {
  for (const [index, tensor] of expected.entries()) {
    const other = got[index] as TensorOf<'float32'>;
    expect(other.dims).toEqual(tensor.dims);
    const largest = Math.max(1, ...tensor.data.map(Math.abs));
    const apart = Math.max(...tensor.data.map((value, at) => Math.abs(value - other.data[at]!)));
    expect(apart / largest).toBeLessThan(2e-5);
  }
}

/** Applies a rewrite and compares the loss and all gradients with those of the graph as it was. */
async function same(given: Case, apply: Rewrite): Promise<Graph> {
  const before = await traced(given);
  const after = rewrite(before, Object.keys(given.parameters), apply);
  const expected = await results(before, given);
  const got = await results(after, given);
  close(got, expected);
  return after.graph;
}

const always: Rewrite = { op: 'Conv', replace: (context) => rewriteAsMatmul(context, () => true) };
const winograd = (choose: Parameters<typeof rewriteAsWinograd>[1]): Rewrite => ({
  op: 'Conv',
  replace: (context) => rewriteAsWinograd(context, choose),
});
const opsOf = (graph: Graph) => graph.nodes.map((node) => node.op);

const axis = fc
  .record({
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 2 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    before: fc.integer({ min: 0, max: 2 }),
    after: fc.integer({ min: 0, max: 2 }),
    window: fc.integer({ min: 1, max: 3 }),
    step: fc.integer({ min: 1, max: 3 }),
    room: fc.integer({ min: 0, max: 4 }),
  })
  .map((axis) => {
    const most = (axis.kernel - 1) * axis.dilation;
    const [before, after] = [Math.min(axis.before, most), Math.min(axis.after, most)];
    const places = axis.window + axis.room;
    const size = (places - 1) * axis.stride + most + 1 - before - after;
    // A size below 1 is made 1: then there are more places than asked for.
    const whole = Math.max(1, size);
    const made = Math.floor((whole + before + after - most - 1) / axis.stride) + 1;
    return { ...axis, before, after, size: whole, places: made };
  });
const layer = fc.record({
  axes: fc.array(axis, { minLength: 1, maxLength: 3 }),
  images: fc.integer({ min: 1, max: 3 }),
  groups: fc.integer({ min: 1, max: 2 }),
  channels: fc.integer({ min: 1, max: 2 }),
  units: fc.integer({ min: 1, max: 3 }),
  ceil: fc.integer({ min: 0, max: 1 }),
  seed: fc.integer({ min: 0, max: 1000 }),
});
type Layer = typeof layer extends fc.Arbitrary<infer T> ? T : never;

function convolution(b: Builder, x: string, { axes, groups }: Layer): string {
  return b.op('Conv', [x, 'w', 'b'], {
    kernel_shape: axes.map(({ kernel }) => kernel),
    strides: axes.map(({ stride }) => stride),
    dilations: axes.map(({ dilation }) => dilation),
    pads: [...axes.map(({ before }) => before), ...axes.map(({ after }) => after)],
    group: groups,
  });
}

function pooling(b: Builder, x: string, { axes, ceil }: Layer): string {
  // ONNX Runtime 1.30 infers one place too many where a last window would start past the end.
  const whole = axes.every(({ places, window, step }) => {
    const last = Math.ceil((places - window) / step) * step;
    return last < places;
  });
  return b.op('MaxPool', [x], {
    kernel_shape: axes.map(({ window }) => window),
    strides: axes.map(({ step }) => step),
    ceil_mode: whole ? ceil : 0,
  });
}

function tensorsOf({ axes, images, groups, channels, units, seed }: Layer) {
  const w = [groups * units, channels, ...axes.map(({ kernel }) => kernel)];
  return {
    x: single(normal([images, groups * channels, ...axes.map(({ size }) => size)], seed)),
    w: single(normal(w, seed + 1)),
    b: single(normal([groups * units], seed + 2)),
  };
}

function single({ dims, data }: { dims: readonly number[]; data: ArrayLike<number> }) {
  return { type: 'float32' as const, dims, data: Float32Array.from(data) };
}

describe('pool before Relu', () => {
  test('changes no value', async () => {
    await fc.assert(
      fc.asyncProperty(layer, async (layer) => {
        const { x, w, b } = tensorsOf(layer);
        const build = (tape: Builder) =>
          pooling(tape, tape.op('Relu', [convolution(tape, 'x', layer)]), layer);
        const graph = await same({ x, parameters: { w, b }, build }, poolBeforeRelu);
        expect(opsOf(graph).indexOf('MaxPool')).toBeLessThan(opsOf(graph).indexOf('Relu'));
      }),
      FEW,
    );
  });
});

describe('polyphase pooling', () => {
  test('changes no value', async () => {
    await fc.assert(
      fc.asyncProperty(layer, async (layer) => {
        const { x, w, b } = tensorsOf(layer);
        const build = (tape: Builder) => pooling(tape, convolution(tape, 'x', layer), layer);
        await same({ x, parameters: { w, b }, build }, polyphasePool);
      }),
      FEW,
    );
  });

  test('gives the gradient to the first of equal values', async () => {
    const x = single({ dims: [1, 1, 4, 4], data: new Float32Array(16).fill(1) });
    const w = single({ dims: [1, 1, 1, 1], data: [2] });
    const place = single({
      dims: [1, 1, 4, 4],
      data: Float32Array.from({ length: 16 }, (_, i) => i),
    });
    // What is added to the constant is scaled by zero: values stay equal, gradients tell places.
    const scale = single({ dims: [1, 1, 1, 1], data: [0] });
    const build = (b: Builder) => {
      const image = b.op('Concat', ['x', b.constant(place)], { axis: 1 });
      const weights = b.op('Concat', ['w', 'scale'], { axis: 1 });
      const made = b.op('Conv', [image, weights], { kernel_shape: [1, 1] });
      return b.op('MaxPool', [made], { kernel_shape: [2, 2], strides: [2, 2] });
    };
    const graph = await same({ x, parameters: { w, scale }, build }, polyphasePool);
    expect(opsOf(graph)).not.toContain('MaxPool');
  });
});

describe('convolution as MatMul', () => {
  test('changes no value and no gradient', async () => {
    await fc.assert(
      fc.asyncProperty(layer, async (layer) => {
        const { x, w, b } = tensorsOf(layer);
        const shift = single({ dims: [1], data: [0.5] });
        const build = (tape: Builder) => convolution(tape, tape.op('Add', ['x', 'shift']), layer);
        const graph = await same({ x, parameters: { w, b, shift }, build }, always);
        expect(opsOf(graph)).not.toContain('Conv');
      }),
      FEW,
    );
  });
});

describe('Winograd convolution', () => {
  test('changes no value and no gradient, with any plan', async () => {
    const plain = { stride: 1, dilation: 1 };
    const plane = fc
      .array(axis, { minLength: 2, maxLength: 2 })
      .map((axes) => axes.map((axis) => ({ ...axis, ...plain })))
      .map((axes) =>
        axes.map((axis) => ({
          ...axis,
          before: Math.min(axis.before, axis.kernel - 1),
          after: Math.min(axis.after, axis.kernel - 1),
          size: axis.size + axis.kernel,
        })),
      );
    const any = fc.tuple(layer, plane, fc.nat());
    await fc.assert(
      fc.asyncProperty(any, async ([layer, axes, pick]) => {
        const given = { ...layer, axes: axes as Layer['axes'] };
        const { x, w, b } = tensorsOf(given);
        const shift = single({ dims: [1], data: [0.5] });
        const build = (tape: Builder) => convolution(tape, tape.op('Add', ['x', 'shift']), given);
        const graph = await same(
          { x, parameters: { w, b, shift }, build },
          winograd((_, ways) => ways[pick % ways.length]),
        );
        expect(opsOf(graph)).not.toContain('Conv');
      }),
      FEW,
    );
  });

  test.each([3, 5])(
    'of %i taps is as exact as float32 allows, at every size of tile',
    async (taps) => {
      const x = single(normal([2, 16, 9, 9], 1));
      const parameters = { w: single(normal([8, 16, taps, taps], 2)) };
      const ways = await waysFor({ x, parameters, build: padded });
      expect(ways.length).toBeGreaterThan(8);
      for (const way of ways)
        await same(
          { x, parameters, build: padded },
          winograd(() => way),
        );
    },
  );

  test('with two padded positions for each axis takes nine channel products instead of 36', async () => {
    const x = single(normal([2, 3, 2, 2], 1));
    const parameters = { w: single(normal([4, 3, 3, 3], 2)) };
    const [way] = await waysFor({ x, parameters, build: padded });
    expect(way?.axes.map(({ points }) => points)).toEqual([3, 3]);
    await same(
      { x, parameters, build: padded },
      winograd(() => way),
    );
  });
});

function padded(b: Builder): string {
  return b.op('Conv', ['x', 'w'], { pads: [1, 1, 1, 1] });
}

async function waysFor(given: Case): Promise<readonly WinogradPlan[]> {
  const offered: WinogradPlan[] = [];
  rewrite(
    await traced(given),
    Object.keys(given.parameters),
    winograd((_, ways) => void offered.push(...ways)),
  );
  return offered;
}

describe('depthwise convolution as MatMul', () => {
  test('changes no value and no gradient', async () => {
    await fc.assert(
      fc.asyncProperty(layer, async (layer) => {
        const deep = { ...layer, groups: 3, channels: 1, units: 1 };
        const { x, w, b } = tensorsOf(deep);
        const shift = single({ dims: [1], data: [0.5] });
        const build = (tape: Builder) => convolution(tape, tape.op('Add', ['x', 'shift']), deep);
        const graph = await same({ x, parameters: { w, b, shift }, build }, depthwiseAsMatmul);
        const { axes } = deep;
        const pairs = axes.reduce((pairs, { size, places }) => pairs * size * places, 1);
        if (pairs <= 1024) expect(opsOf(graph)).not.toContain('Conv');
      }),
      FEW,
    );
  });
});

test('BatchNormalization nodes that share constants keep separate statistics', async () => {
  const x = single(normal([4, 3, 5, 5], 1));
  const parameters = { s1: single(normal([3], 2)), s2: single(normal([3], 3)) };
  // The statistics to start from count for nothing: only whether they are the same constants.
  const layers = (starts: readonly [number, number, number, number]) => (b: Builder) => {
    const filled = (value: number) =>
      b.initializer('start', single({ dims: [3], data: [value, value, value] }));
    const bias = b.initializer('bias', single({ dims: [3], data: [0, 0, 0] }));
    const norm = (x: string, scale: string, mean: number, variance: number) =>
      b.ops(
        'BatchNormalization',
        [x, scale, bias, filled(mean), filled(variance)],
        { training_mode: 1 },
        3,
      )[0]!;
    return norm(b.op('Exp', [norm('x', 's1', starts[0], starts[1])]), 's2', starts[2], starts[3]);
  };
  const apart = { x, parameters, build: layers([0.1, 0.2, 0.3, 0.4]) };
  const shared = { x, parameters, build: layers([0, 1, 0, 1]) };
  const expected = await results(await traced(apart), apart);
  const after = rewrite(await traced(shared), Object.keys(parameters), batchStatistics);
  close(await results(after, shared), expected);
});

test('all rewrites together change no value of a small network', async () => {
  const x = single(normal([2, 3, 12, 12], 1));
  const parameters = {
    w1: single(normal([4, 3, 3, 3], 2)),
    w2: single(normal([6, 4, 3, 3], 3)),
    w3: single(normal([5, 6, 3, 3], 4)),
  };
  const given = { x, parameters, build: threeLayers };
  const before = await traced(given);
  const after = rewriteForTraining(before, Object.keys(parameters));
  expect(opsOf(after.graph).filter((op) => op === 'MaxPool')).toHaveLength(1);
  close(await results(after, given), await results(before, given));
});

function threeLayers(b: Builder): string {
  const conv = (x: string, w: string) => b.op('Conv', [x, w], { pads: [1, 1, 1, 1] });
  const block = (x: string, w: string) =>
    b.op('MaxPool', [b.op('Relu', [conv(x, w)])], { kernel_shape: [2, 2], strides: [2, 2] });
  return conv(block(block('x', 'w1'), 'w2'), 'w3');
}
