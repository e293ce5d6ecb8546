import { intOf, intsOf, stringOf } from '../../graph/index.ts';
import type { Node } from '../../onnx/index.ts';
import type { Rewrite, RewriteContext } from './rewriter.ts';

interface Axis {
  /** Of the convolution: `before` is its padding. */
  readonly input: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  /** Of the pooling: window size, stride and number of output positions. */
  readonly window: number;
  readonly step: number;
  readonly positions: number;
}

/**
 * MaxPool(Conv(x)) as the elementwise maximum of strided convolutions, one for each phase of the pooling
 * grid (a polyphase decomposition): pooling with stride s takes s x s of them. The gradient is elementwise
 * too, while ONNX Runtime's MaxPool with indices takes 4 ns for each element.
 *
 * Only where x needs no gradient (the first layer, which is the largest): the input gradient of a strided
 * convolution costs more than the rewrite saves.
 */
export const polyphasePool: Rewrite = {
  op: 'MaxPool',
  after: 'Conv',
  replace: (context) => {
    const { node } = context;
    const [made] = node.inputs as [string];
    const conv = context.producer(made) as Node;
    if (node.outputs.length > 1) return false;
    const [x] = conv.inputs as [string];
    if (!context.isOnlyReader(made) || context.isTrained(x)) return false;
    const axes = axesOf(context, node, conv);
    if (!axes) return false;

    let phases = new Map<string, PhaseOutput>();
    for (const phase of combinations(axes.map(({ step, window }) => Math.min(step, window)))) {
      phases.set(phase.join(), convolvePhase(context, conv, axes, phase));
    }
    // The last axis first, so that the first of equal values in row-major order gets the gradient, as in MaxPool.
    for (const at of axes.map((_, axis) => axis).toReversed()) {
      const { window, step, positions } = axes[at] as Axis;
      const folded = new Map<string, PhaseOutput>();
      const rest = [...phases.keys()].map((key) => key.split(',').map(Number));
      for (const lead of rest.filter((phase) => phase[at] === 0)) {
        const parts = Array.from({ length: window }, (_, offset) => {
          const phase = lead.with(at, offset % step);
          const part = phases.get(phase.join()) as PhaseOutput;
          return crop(context, part, at + 2, Math.floor(offset / step), positions);
        });
        folded.set(
          lead.join(),
          parts.reduce((first, second) => maximum(context, first, second)),
        );
      }
      phases = folded;
    }
    const [whole] = [...phases.values()] as [PhaseOutput];
    context.op('Identity', [whole.value], { dims: whole.dims, name: node.outputs[0] });
    return true;
  },
};

interface PhaseOutput {
  readonly value: string;
  readonly dims: readonly number[];
}

function axesOf(context: RewriteContext, pool: Node, conv: Node): Axis[] | undefined {
  const input = context.dims(conv.inputs[0] as string).slice(2);
  const kernel = context.dims(conv.inputs[1] as string).slice(2);
  const rank = input.length;
  const of = (node: Node, key: string, value: number) =>
    intsOf(node, key, Array<number>(rank).fill(value));
  const plain = [pool, conv].every((node) => stringOf(node, 'auto_pad', 'NOTSET') === 'NOTSET');
  const pads = intsOf(conv, 'pads', Array<number>(2 * rank).fill(0));
  const simple =
    plain &&
    intsOf(pool, 'pads', []).every((count) => count === 0) &&
    of(pool, 'dilations', 1).every((dilation) => dilation === 1);
  if (!simple) return undefined;
  const axes = input.map((size, axis): Axis & { readonly size: number } => ({
    input: size,
    kernel: kernel[axis] as number,
    stride: of(conv, 'strides', 1)[axis] as number,
    dilation: of(conv, 'dilations', 1)[axis] as number,
    before: pads[axis] as number,
    window: intsOf(pool, 'kernel_shape', [])[axis] as number,
    step: of(pool, 'strides', 1)[axis] as number,
    positions: context.dims(pool.outputs[0] as string)[axis + 2] as number,
    size: context.dims(pool.inputs[0] as string)[axis + 2] as number,
  }));
  // With ceil_mode a window may extend past the input: these stay MaxPool.
  const inside = axes.every(
    ({ positions, step, window, size }) => (positions - 1) * step + window <= size,
  );
  const strides = axes.some(({ step }) => step > 1);
  return inside && strides ? axes : undefined;
}

/** The convolution's output at every `step`-th position, from `phase` on. */
function convolvePhase(
  context: RewriteContext,
  conv: Node,
  axes: readonly Axis[],
  phase: readonly number[],
): PhaseOutput {
  const [x, w, ...bias] = conv.inputs as [string, string, ...string[]];
  const dims = context.dims(x);
  const spans = axes.map((axis, at) => {
    const from = phase[at] as number;
    const positions = axis.positions + Math.floor((axis.window - 1 - from) / axis.step);
    const stride = axis.stride * axis.step;
    const start = from * axis.stride - axis.before;
    const end = start + (positions - 1) * stride + (axis.kernel - 1) * axis.dilation + 1;
    return { positions, stride, start, end, size: axis.input };
  });
  const starts = spans.map(({ start }) => Math.max(0, start));
  const ends = spans.map(({ end, size }) => Math.min(size, end));
  const whole = spans.every(({ size }, at) => starts[at] === 0 && ends[at] === size);
  const input = whole
    ? x
    : context.op(
        'Slice',
        [x, context.ints(starts), context.ints(ends), context.ints(axes.map((_, at) => at + 2))],
        { dims: [...dims.slice(0, 2), ...ends.map((end, at) => end - (starts[at] as number))] },
      );
  const made = [
    dims[0] as number,
    context.dims(w)[0] as number,
    ...spans.map(({ positions }) => positions),
  ];
  const value = context.op('Conv', [input, w, ...bias], {
    dims: made,
    attributes: {
      kernel_shape: axes.map(({ kernel }) => kernel),
      strides: spans.map(({ stride }) => stride),
      dilations: axes.map(({ dilation }) => dilation),
      group: intOf(conv, 'group', 1),
      pads: [
        ...spans.map(({ start }) => Math.max(0, -start)),
        ...spans.map(({ end, size }) => Math.max(0, end - size)),
      ],
    },
  });
  return { value, dims: made };
}

function crop(
  context: RewriteContext,
  part: PhaseOutput,
  axis: number,
  start: number,
  positions: number,
): PhaseOutput {
  if (start === 0 && part.dims[axis] === positions) return part;
  const dims = part.dims.with(axis, positions);
  const bounds = [start, start + positions, axis].map((value) => context.ints([value]));
  return { value: context.op('Slice', [part.value, ...bounds], { dims }), dims };
}

/** The elementwise maximum; the first of equal values. */
function maximum(context: RewriteContext, first: PhaseOutput, second: PhaseOutput): PhaseOutput {
  const { dims } = first;
  const values = [first.value, second.value];
  const keeps = context.op('GreaterOrEqual', values, { dims, type: 'bool' });
  return { value: context.op('Where', [keeps, ...values], { dims }), dims };
}

function combinations(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (all, size) => all.flatMap((each) => Array.from({ length: size }, (_, at) => [...each, at])),
    [[]],
  );
}
