import { intOf, intsOf } from '../../graph/index.ts';
import { float32, sizeOf } from '../../onnx/index.ts';
import { windowOf } from '../../ops/window.ts';
import {
  type WinogradAxis,
  winogradAxes,
  kronecker,
  type Matrix,
  planeTransform,
} from './winograd-matrices.ts';
import type { Rewrite, RewriteContext } from './rewriter.ts';

/** A convolution of planes with stride 1, of one group. */
export interface ConvLayer {
  readonly images: number;
  readonly channels: number;
  readonly units: number;
  readonly input: readonly [number, number];
  readonly output: readonly [number, number];
  readonly kernel: readonly [number, number];
  /** Whether the gradient with respect to the input is needed. */
  readonly isTrained: boolean;
}

/** One way to compute a convolution: a transform for each axis, and whether both are one matrix. */
export interface WinogradPlan {
  readonly axes: readonly [WinogradAxis, WinogradAxis];
  readonly combined: boolean;
}

/**
 * Winograd convolution (Winograd 1980; Lavin & Gray 2016): the input tiles and the filters are transformed
 * to interpolation points, multiplied there (one matrix product over the channels for each point), and
 * transformed back. A 3x3 filter with 4x4 output tiles takes 36 multiplications instead of 144; so do its
 * two gradients, which are those of matrix products. All steps are matrix products, which ONNX Runtime
 * runs at full speed on all threads.
 */
export const convByWinograd: Rewrite = {
  op: 'Conv',
  replace: (context) => rewriteAsWinograd(context, cheapest),
};

/** Rewrites with the plan that `choose` returns; leaves the node where it returns undefined. */
export function rewriteAsWinograd(
  context: RewriteContext,
  choose: (layer: ConvLayer, plans: readonly WinogradPlan[]) => WinogradPlan | undefined,
): boolean {
  const { node } = context;
  const [x, w, bias] = node.inputs as [string, string, string?];
  const [y] = node.outputs as [string];
  const [images, , ...input] = context.dims(x) as [number, number, ...number[]];
  const [units, channels, ...kernel] = context.dims(w) as [number, number, ...number[]];
  const groups = intOf(node, 'group', 1);
  const output = context.dims(y).slice(2);
  const plain = ['strides', 'dilations'].every((key) =>
    intsOf(node, key, [1, 1]).every((value) => value === 1),
  );
  if (!isPlane(input) || !isPlane(output) || !isPlane(kernel) || !plain || groups > 4) return false;
  const layer: ConvLayer = {
    images,
    channels,
    units: units / groups,
    input,
    output,
    kernel,
    isTrained: context.isTrained(x),
  };
  const { before } = windowOf(node, kernel, input, output);
  const plan = choose(layer, winogradPlans(layer, before as [number, number]));
  if (!plan) return false;

  const shifted = bias === undefined ? { name: y } : {};
  const dims = [images, units, ...output];
  const filters = groups === 1 ? [w] : splitGroups(context, w, 0, groups);
  const inputs = groups === 1 ? [x] : splitGroups(context, x, 1, groups);
  const made =
    groups === 1
      ? convolved(context, x, w, layer, plan, shifted)
      : context.op(
          'Concat',
          filters.map((own, group) =>
            convolved(context, inputs[group] as string, own, layer, plan, {}),
          ),
          { dims, attributes: { axis: 1 }, ...shifted },
        );
  if (bias !== undefined) {
    context.op('Add', [made, reshape(context, bias, [units, 1, 1])], { dims, name: y });
  }
  return true;
}

function isPlane(sizes: readonly number[]): sizes is readonly [number, number] {
  return sizes.length === 2;
}

function winogradPlans(
  { input, output, kernel }: ConvLayer,
  before: readonly [number, number],
): WinogradPlan[] {
  const [rows, columns] = [0, 1].map((axis) =>
    winogradAxes(
      input[axis] as number,
      output[axis] as number,
      kernel[axis] as number,
      before[axis] as number,
    ),
  ) as [WinogradAxis[], WinogradAxis[]];
  return rows.flatMap((first) =>
    columns.flatMap((second) =>
      [true, false].map((combined): WinogradPlan => ({ axes: [first, second], combined })),
    ),
  );
}

const pointsOf = ({ axes }: WinogradPlan) => axes[0].points * axes[1].points;
const tilesOf = ({ axes }: WinogradPlan) => axes[0].tiles * axes[1].tiles;

function convolved(
  context: RewriteContext,
  x: string,
  w: string,
  { images, channels, units, input, output, kernel }: ConvLayer,
  plan: WinogradPlan,
  to: { readonly name?: string | undefined },
): string {
  const points = pointsOf(plan);
  const rows = tilesOf(plan) * images;
  const tiles = plan.combined
    ? gemmTransposeB(
        context,
        constant(context, planeTransform(...plan.axes, 'input')),
        flattenTo(context, x, sizeOf(input)),
      )
    : reordered(
        context,
        transformByAxis(context, x, input, plan, 'input'),
        plan,
        images * channels,
        'in',
      );
  const filters = gemmTransposeB(
    context,
    constant(context, kronecker(plan.axes[0].filter, plan.axes[1].filter)),
    flattenTo(context, w, sizeOf(kernel)),
  );
  const right = context.op('Transpose', [reshape(context, filters, [points, units, channels])], {
    dims: [points, channels, units],
    attributes: { perm: [0, 2, 1] },
  });
  const product = context.op('MatMul', [reshape(context, tiles, [points, rows, channels]), right], {
    dims: [points, rows, units],
  });
  const back = plan.combined
    ? gemmTransposeA(
        context,
        reshape(context, product, [points * tilesOf(plan), images * units]),
        constant(context, planeTransform(...plan.axes, 'output')),
      )
    : transformByAxis(
        context,
        reordered(context, product, plan, images * units, 'out'),
        output,
        plan,
        'output',
      );
  return context.op('Reshape', [back, context.ints([images, units, ...output])], {
    dims: [images, units, ...output],
    ...to,
  });
}

function transformByAxis(
  context: RewriteContext,
  value: string,
  [height, width]: readonly [number, number],
  { axes: [first, second] }: WinogradPlan,
  side: 'input' | 'output',
): string {
  const [ofRows, ofColumns] = [constant(context, first[side]), constant(context, second[side])];
  if (side === 'input') {
    const along = gemmTransposeB(context, ofColumns, flattenTo(context, value, width));
    return gemmTransposeB(context, ofRows, flattenTo(context, along, height));
  }
  const rows = first.points * first.tiles;
  const along = gemmTransposeA(
    context,
    flattenTo(context, value, sizeOf(context.dims(value)) / rows),
    ofRows,
  );
  const columns = second.points * second.tiles;
  return gemmTransposeA(
    context,
    flattenTo(context, along, sizeOf(context.dims(along)) / columns),
    ofColumns,
  );
}

/** Reorders (points, tiles) of each axis to all points, then all tiles ('in'), or back ('out'). */
function reordered(
  context: RewriteContext,
  value: string,
  { axes: [first, second] }: WinogradPlan,
  each: number,
  direction: 'in' | 'out',
): string {
  if (first.tiles === 1) return value;
  const [outer, inner] =
    direction === 'in' ? [first.tiles, second.points] : [second.points, first.tiles];
  const rest = second.tiles * each;
  return context.op('Transpose', [reshape(context, value, [first.points, outer, inner, rest])], {
    dims: [first.points, inner, outer, rest],
    attributes: { perm: [0, 2, 1, 3] },
  });
}

/** A·Bᵀ */
function gemmTransposeB(context: RewriteContext, a: string, b: string): string {
  const dims = [context.dims(a)[0] as number, context.dims(b)[0] as number];
  return context.op('Gemm', [a, b], { dims, attributes: { transB: 1 } });
}

/** Aᵀ·B */
function gemmTransposeA(context: RewriteContext, a: string, b: string): string {
  const dims = [context.dims(a)[1] as number, context.dims(b)[1] as number];
  return context.op('Gemm', [a, b], { dims, attributes: { transA: 1 } });
}

function constant(context: RewriteContext, matrix: Matrix): string {
  return context.constant(float32([matrix.length, (matrix[0] as []).length], matrix.flat()));
}

function flattenTo(context: RewriteContext, value: string, width: number): string {
  return reshape(context, value, [sizeOf(context.dims(value)) / width, width]);
}

function reshape(context: RewriteContext, value: string, dims: readonly number[]): string {
  return context.op('Reshape', [value, context.ints(dims)], { dims });
}

function splitGroups(
  context: RewriteContext,
  value: string,
  axis: number,
  count: number,
): readonly string[] {
  const dims = context.dims(value);
  const size = (dims[axis] as number) / count;
  const inputs = [value, context.ints(Array<number>(count).fill(size))];
  const outputs = Array<string>(count).fill('');
  const name = `${context.node.outputs[0]}.split${axis}`;
  return context.write(
    { op: 'Split', domain: '', name, inputs, outputs, attributes: { axis } },
    outputs.map(() => ({ type: 'float32', dims: dims.with(axis, size) })),
  );
}

/**
 * Nanoseconds for one multiply-add of a matrix product, fitted on one core with AVX2. Rows are computed
 * in vectors of 16. A direct convolution takes a third more time than its multiply-adds.
 */
const NS_PER_MULTIPLY_ADD = 0.0225;
const vectorized = (width: number) => 16 * Math.ceil(width / 16);

function cheapest(layer: ConvLayer, plans: readonly WinogradPlan[]): WinogradPlan | undefined {
  const { images, channels, units, output, kernel, isTrained } = layer;
  const passes = isTrained ? 3 : 2;
  const direct =
    1.33 *
    passes *
    NS_PER_MULTIPLY_ADD *
    images *
    channels *
    units *
    sizeOf(output) *
    sizeOf(kernel);
  let [best, least] = [undefined as WinogradPlan | undefined, 0.85 * direct];
  for (const plan of plans) {
    const cost = costOf(layer, plan);
    if (cost < least) [best, least] = [plan, cost];
  }
  return best;
}

function costOf(
  { images, channels, units, input, output, kernel, isTrained }: ConvLayer,
  plan: WinogradPlan,
) {
  const [first, second] = plan.axes;
  const points = pointsOf(plan);
  const products = points * tilesOf(plan) * images;
  const passes = isTrained ? 3 : 2;
  const main = passes * NS_PER_MULTIPLY_ADD * products * channels * vectorized(units);
  const filters =
    units * channels * points * (2 * NS_PER_MULTIPLY_ADD * vectorized(sizeOf(kernel)) + 1.5) +
    units * channels * sizeOf(kernel);
  // Both transforms between the positions and the points of one plane.
  const transforms = ([height, width]: readonly [number, number]) => {
    const [rows, columns] = [first.points * first.tiles, second.points * second.tiles];
    const [all, positions] = [rows * columns, height * width];
    if (plan.combined)
      return 2 * NS_PER_MULTIPLY_ADD * all * vectorized(positions) + 0.4 * (all + positions);
    const along = columns * height;
    const turned = first.tiles === 1 ? 0 : 0.7 * all;
    const multiplied = along * vectorized(width) + all * vectorized(height);
    return 2 * NS_PER_MULTIPLY_ADD * multiplied + 0.4 * (positions + 2 * along + all) + turned;
  };
  return (
    main +
    filters +
    images * units * transforms(output) +
    images * channels * transforms(input) * (isTrained ? 1 : 0.5)
  );
}
