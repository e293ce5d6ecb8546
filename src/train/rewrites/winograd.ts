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
  /** Whether the gradient by the input is asked for. */
  readonly trained: boolean;
}

/** A way to compute it: how along each axis, and whether the axes are taken as one. */
export interface WinogradPlan {
  readonly axes: readonly [WinogradAxis, WinogradAxis];
  readonly whole: boolean;
}

/**
 * A convolution by minimal filtering (Winograd 1980; Lavin & Gray 2016): tiles of the input and the
 * filters are brought to points, where they are multiplied, channels summed by one matrix product a
 * point; what comes out is brought back to places. A 3x3 filter over tiles of 4x4 takes 36
 * multiplications instead of 144, and its two gradients, which follow by the rules of matrix products,
 * as few. All of it is matrix products, which ONNX Runtime does at full speed and on all threads.
 */
export const convByWinograd: Rewrite = {
  op: 'Conv',
  replace: (site) => rewriteAsWinograd(site, cheapest),
};

/** The same in the way that is chosen, or not at all. */
export function rewriteAsWinograd(
  site: RewriteContext,
  choose: (layer: ConvLayer, ways: readonly WinogradPlan[]) => WinogradPlan | undefined,
): boolean {
  const { node } = site;
  const [x, w, bias] = node.inputs as [string, string, string?];
  const [y] = node.outputs as [string];
  const [images, , ...input] = site.dims(x) as [number, number, ...number[]];
  const [units, channels, ...kernel] = site.dims(w) as [number, number, ...number[]];
  const groups = intOf(node, 'group', 1);
  const output = site.dims(y).slice(2);
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
    trained: site.trained(x),
  };
  const { before } = windowOf(node, kernel, input, output);
  const way = choose(layer, winogradPlans(layer, before as [number, number]));
  if (!way) return false;

  const shifted = bias === undefined ? { name: y } : {};
  const dims = [images, units, ...output];
  const filters = groups === 1 ? [w] : parts(site, w, 0, groups);
  const inputs = groups === 1 ? [x] : parts(site, x, 1, groups);
  const made =
    groups === 1
      ? convolved(site, x, w, layer, way, shifted)
      : site.op(
          'Concat',
          filters.map((own, group) =>
            convolved(site, inputs[group] as string, own, layer, way, {}),
          ),
          { dims, attributes: { axis: 1 }, ...shifted },
        );
  if (bias !== undefined) {
    site.op('Add', [made, reshape(site, bias, [units, 1, 1])], { dims, name: y });
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
      [true, false].map((whole): WinogradPlan => ({ axes: [first, second], whole })),
    ),
  );
}

const pointsOf = ({ axes }: WinogradPlan) => axes[0].points * axes[1].points;
const tilesOf = ({ axes }: WinogradPlan) => axes[0].tiles * axes[1].tiles;

function convolved(
  site: RewriteContext,
  x: string,
  w: string,
  { images, channels, units, input, output, kernel }: ConvLayer,
  way: WinogradPlan,
  to: { readonly name?: string | undefined },
): string {
  const points = pointsOf(way);
  const rows = tilesOf(way) * images;
  const tiles = way.whole
    ? gemm(site, constant(site, planeTransform(...way.axes, 'input')), flat(site, x, sizeOf(input)))
    : ordered(site, byAxis(site, x, input, way, 'input'), way, images * channels, 'in');
  const filters = gemm(
    site,
    constant(site, kronecker(way.axes[0].filter, way.axes[1].filter)),
    flat(site, w, sizeOf(kernel)),
  );
  const right = site.op('Transpose', [reshape(site, filters, [points, units, channels])], {
    dims: [points, channels, units],
    attributes: { perm: [0, 2, 1] },
  });
  const product = site.op('MatMul', [reshape(site, tiles, [points, rows, channels]), right], {
    dims: [points, rows, units],
  });
  const back = way.whole
    ? turned(
        site,
        reshape(site, product, [points * tilesOf(way), images * units]),
        constant(site, planeTransform(...way.axes, 'output')),
      )
    : byAxis(site, ordered(site, product, way, images * units, 'out'), output, way, 'output');
  return site.op('Reshape', [back, site.ints([images, units, ...output])], {
    dims: [images, units, ...output],
    ...to,
  });
}

function byAxis(
  site: RewriteContext,
  value: string,
  [height, width]: readonly [number, number],
  { axes: [first, second] }: WinogradPlan,
  side: 'input' | 'output',
): string {
  const [ofRows, ofColumns] = [constant(site, first[side]), constant(site, second[side])];
  if (side === 'input') {
    const along = gemm(site, ofColumns, flat(site, value, width));
    return gemm(site, ofRows, flat(site, along, height));
  }
  const rows = first.points * first.tiles;
  const along = turned(site, flat(site, value, sizeOf(site.dims(value)) / rows), ofRows);
  const columns = second.points * second.tiles;
  return turned(site, flat(site, along, sizeOf(site.dims(along)) / columns), ofColumns);
}

/** From points and tiles by axis to all points, then all tiles; and back. */
function ordered(
  site: RewriteContext,
  value: string,
  { axes: [first, second] }: WinogradPlan,
  each: number,
  direction: 'in' | 'out',
): string {
  if (first.tiles === 1) return value;
  const [outer, inner] =
    direction === 'in' ? [first.tiles, second.points] : [second.points, first.tiles];
  const rest = second.tiles * each;
  return site.op('Transpose', [reshape(site, value, [first.points, outer, inner, rest])], {
    dims: [first.points, inner, outer, rest],
    attributes: { perm: [0, 2, 1, 3] },
  });
}

/** A·Bᵀ */
function gemm(site: RewriteContext, a: string, b: string): string {
  const dims = [site.dims(a)[0] as number, site.dims(b)[0] as number];
  return site.op('Gemm', [a, b], { dims, attributes: { transB: 1 } });
}

/** Aᵀ·B */
function turned(site: RewriteContext, a: string, b: string): string {
  const dims = [site.dims(a)[1] as number, site.dims(b)[1] as number];
  return site.op('Gemm', [a, b], { dims, attributes: { transA: 1 } });
}

function constant(site: RewriteContext, matrix: Matrix): string {
  return site.constant(float32([matrix.length, (matrix[0] as []).length], matrix.flat()));
}

function flat(site: RewriteContext, value: string, width: number): string {
  return reshape(site, value, [sizeOf(site.dims(value)) / width, width]);
}

function reshape(site: RewriteContext, value: string, dims: readonly number[]): string {
  return site.op('Reshape', [value, site.ints(dims)], { dims });
}

function parts(
  site: RewriteContext,
  value: string,
  axis: number,
  count: number,
): readonly string[] {
  const dims = site.dims(value);
  const size = (dims[axis] as number) / count;
  const inputs = [value, site.ints(Array<number>(count).fill(size))];
  const outputs = Array<string>(count).fill('');
  const name = `${site.node.outputs[0]}.split${axis}`;
  return site.write(
    { op: 'Split', domain: '', name, inputs, outputs, attributes: { axis } },
    outputs.map(() => ({ type: 'float32', dims: dims.with(axis, size) })),
  );
}

/**
 * Nanoseconds for the forward pass and both gradients, fitted on one core with AVX2: 0.0225 for a
 * multiplication and addition in a matrix product, rows in vectors of 16, and what it takes to move
 * an element. As it stands, a convolution comes to a third more than its multiplications.
 */
const FLOP = 0.0225;
const vectors = (width: number) => 16 * Math.ceil(width / 16);

function cheapest(layer: ConvLayer, ways: readonly WinogradPlan[]): WinogradPlan | undefined {
  const { images, channels, units, output, kernel, trained } = layer;
  const passes = trained ? 3 : 2;
  const asItIs = 1.33 * passes * FLOP * images * channels * units * sizeOf(output) * sizeOf(kernel);
  let [best, least] = [undefined as WinogradPlan | undefined, 0.85 * asItIs];
  for (const way of ways) {
    const cost = costOf(layer, way);
    if (cost < least) [best, least] = [way, cost];
  }
  return best;
}

function costOf(
  { images, channels, units, input, output, kernel, trained }: ConvLayer,
  way: WinogradPlan,
) {
  const [first, second] = way.axes;
  const points = pointsOf(way);
  const products = points * tilesOf(way) * images;
  const passes = trained ? 3 : 2;
  const main = passes * FLOP * products * channels * vectors(units);
  const filters =
    units * channels * points * (2 * FLOP * vectors(sizeOf(kernel)) + 1.5) +
    units * channels * sizeOf(kernel);
  // Both ways between the places and the points of one plane.
  const between = ([height, width]: readonly [number, number]) => {
    const [rows, columns] = [first.points * first.tiles, second.points * second.tiles];
    const [all, places] = [rows * columns, height * width];
    if (way.whole) return 2 * FLOP * all * vectors(places) + 0.4 * (all + places);
    const along = columns * height;
    const turned = first.tiles === 1 ? 0 : 0.7 * all;
    const multiplied = along * vectors(width) + all * vectors(height);
    return 2 * FLOP * multiplied + 0.4 * (places + 2 * along + all) + turned;
  };
  return (
    main +
    filters +
    images * units * between(output) +
    images * channels * between(input) * (trained ? 1 : 0.5)
  );
}
