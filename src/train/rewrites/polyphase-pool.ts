import { intOf, intsOf, stringOf } from '../../graph/index.ts';
import type { Node } from '../../onnx/index.ts';
import type { Rewrite, RewriteContext } from './rewriter.ts';

interface Axis {
  /** Of the convolution. */
  readonly input: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  /** Of the pooling. */
  readonly window: number;
  readonly step: number;
  readonly places: number;
}

/**
 * MaxPool(Conv(x)) as the maximum of several convolutions, each of which makes what lies at one place
 * of the pooling's grid: stride s pooling takes s x s of them. All that follows, and the whole
 * gradient, is then elementwise, where ONNX Runtime's MaxPool with indices takes 4 ns an element.
 *
 * Only where x itself needs no gradient (the first layer, the largest): the gradient by the input of
 * a strided convolution costs more than is saved.
 */
export const polyphasePool: Rewrite = {
  op: 'MaxPool',
  after: 'Conv',
  replace: (site) => {
    const { node } = site;
    const [made] = node.inputs as [string];
    const conv = site.producer(made) as Node;
    if (node.outputs.length > 1) return false;
    const [x] = conv.inputs as [string];
    if (!site.sole(made) || site.trained(x)) return false;
    const axes = axesOf(site, node, conv);
    if (!axes) return false;

    let phases = new Map<string, Part>();
    for (const phase of combinations(axes.map(({ step, window }) => Math.min(step, window)))) {
      phases.set(phase.join(), convolved(site, conv, axes, phase));
    }
    // The last axis first, so that of equal values the first in row-major order is taken.
    for (const at of axes.map((_, axis) => axis).toReversed()) {
      const { window, step, places } = axes[at] as Axis;
      const folded = new Map<string, Part>();
      const rest = [...phases.keys()].map((key) => key.split(',').map(Number));
      for (const lead of rest.filter((phase) => phase[at] === 0)) {
        const parts = Array.from({ length: window }, (_, offset) => {
          const phase = lead.with(at, offset % step);
          const part = phases.get(phase.join()) as Part;
          return cropped(site, part, at + 2, Math.floor(offset / step), places);
        });
        folded.set(
          lead.join(),
          parts.reduce((first, second) => larger(site, first, second)),
        );
      }
      phases = folded;
    }
    const [whole] = [...phases.values()] as [Part];
    site.op('Identity', [whole.value], { dims: whole.dims, name: node.outputs[0] });
    return true;
  },
};

interface Part {
  readonly value: string;
  readonly dims: readonly number[];
}

function axesOf(site: RewriteContext, pool: Node, conv: Node): Axis[] | undefined {
  const input = site.dims(conv.inputs[0] as string).slice(2);
  const kernel = site.dims(conv.inputs[1] as string).slice(2);
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
    places: site.dims(pool.outputs[0] as string)[axis + 2] as number,
    size: site.dims(pool.inputs[0] as string)[axis + 2] as number,
  }));
  // With ceil_mode a window may hang over the edge: leave that to MaxPool.
  const inside = axes.every(
    ({ places, step, window, size }) => (places - 1) * step + window <= size,
  );
  const strides = axes.some(({ step }) => step > 1);
  return inside && strides ? axes : undefined;
}

/** What the convolution makes at every `step`-th place, counted from `phase`. */
function convolved(
  site: RewriteContext,
  conv: Node,
  axes: readonly Axis[],
  phase: readonly number[],
): Part {
  const [x, w, ...bias] = conv.inputs as [string, string, ...string[]];
  const dims = site.dims(x);
  const spans = axes.map((axis, at) => {
    const from = phase[at] as number;
    const places = axis.places + Math.floor((axis.window - 1 - from) / axis.step);
    const stride = axis.stride * axis.step;
    const start = from * axis.stride - axis.before;
    const end = start + (places - 1) * stride + (axis.kernel - 1) * axis.dilation + 1;
    return { places, stride, start, end, size: axis.input };
  });
  const starts = spans.map(({ start }) => Math.max(0, start));
  const ends = spans.map(({ end, size }) => Math.min(size, end));
  const whole = spans.every(({ size }, at) => starts[at] === 0 && ends[at] === size);
  const met = whole
    ? x
    : site.op(
        'Slice',
        [x, site.ints(starts), site.ints(ends), site.ints(axes.map((_, at) => at + 2))],
        { dims: [...dims.slice(0, 2), ...ends.map((end, at) => end - (starts[at] as number))] },
      );
  const made = [dims[0] as number, site.dims(w)[0] as number, ...spans.map(({ places }) => places)];
  const value = site.op('Conv', [met, w, ...bias], {
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

function cropped(
  site: RewriteContext,
  part: Part,
  axis: number,
  start: number,
  places: number,
): Part {
  if (start === 0 && part.dims[axis] === places) return part;
  const dims = part.dims.with(axis, places);
  const bounds = [start, start + places, axis].map((value) => site.ints([value]));
  return { value: site.op('Slice', [part.value, ...bounds], { dims }), dims };
}

/** The larger of two; the first, where they are equal. */
function larger(site: RewriteContext, first: Part, second: Part): Part {
  const { dims } = first;
  const values = [first.value, second.value];
  const keeps = site.op('GreaterOrEqual', values, { dims, type: 'bool' });
  return { value: site.op('Where', [keeps, ...values], { dims }), dims };
}

function combinations(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (all, size) => all.flatMap((each) => Array.from({ length: size }, (_, at) => [...each, at])),
    [[]],
  );
}
