import { intOf } from '../../graph/index.ts';
import { float32, sizeOf } from '../../onnx/index.ts';
import { offsetsOf, windowOf, type Window } from '../../ops/window.ts';
import type { Rewrite } from './rewriter.ts';

/** Above so many pairs of an input and an output place, ONNX Runtime's own kernel is faster. */
const PAIRS = 1024;

/**
 * A depthwise convolution over few places, as the deep layers of mobile networks are, as a matrix
 * product for each channel: [images, input places] times [input places, output places]. ONNX Runtime
 * convolves plane by plane, which takes longer to begin than to do.
 *
 * The matrices hold each filter at every place where it lies: filters times a constant of ones and
 * zeros, by which the gradient leads back to them.
 */
export const depthwiseAsMatmul: Rewrite = {
  op: 'Conv',
  replace: (site) => {
    const { node } = site;
    const [x, w, bias] = node.inputs as [string, string, string?];
    const [y] = node.outputs as [string];
    const [images, channels, ...input] = site.dims(x) as [number, number, ...number[]];
    const [units, each, ...kernel] = site.dims(w) as [number, number, ...number[]];
    const output = site.dims(y).slice(2);
    const [from, to] = [sizeOf(input), sizeOf(output)];
    const depthwise = each === 1 && units === channels && intOf(node, 'group', 1) === channels;
    if (!depthwise || channels === 1 || from * to > PAIRS) return false;

    const area = sizeOf(kernel);
    const window = windowOf(node, kernel, input, output);
    const reshape = (value: string, dims: readonly number[]) =>
      site.op('Reshape', [value, site.ints(dims)], { dims });
    const placed = site.constant(float32([area, from * to], placements(window, input, output)));
    const filters = site.op('MatMul', [reshape(w, [channels, area]), placed], {
      dims: [channels, from * to],
    });
    const byChannel = { attributes: { perm: [1, 0, 2] } };
    const rows = site.op('Transpose', [reshape(x, [images, channels, from])], {
      dims: [channels, images, from],
      ...byChannel,
    });
    const dims = [channels, images, to];
    const product = site.op('MatMul', [rows, reshape(filters, [channels, from, to])], { dims });
    const shifted = bias
      ? site.op('Add', [product, reshape(bias, [channels, 1, 1])], { dims })
      : product;
    const back = site.op('Transpose', [shifted], { dims: [images, channels, to], ...byChannel });
    site.op('Reshape', [back, site.ints([images, channels, ...output])], {
      dims: [images, channels, ...output],
      name: y,
    });
    return true;
  },
};

/** For each offset in the window (row), 1 where it links an input place with an output place. */
function placements(
  { kernel, strides, dilations, before }: Window,
  input: readonly number[],
  output: readonly number[],
): Float32Array {
  const [from, to] = [sizeOf(input), sizeOf(output)];
  const placed = new Float32Array(sizeOf(kernel) * from * to);
  const places = offsetsOf(output);
  for (const [row, offset] of offsetsOf(kernel).entries()) {
    for (const [column, place] of places.entries()) {
      const met = place.map(
        (at, axis) =>
          at * (strides[axis] as number) +
          (offset[axis] as number) * (dilations[axis] as number) -
          (before[axis] as number),
      );
      if (met.some((at, axis) => at < 0 || at >= (input[axis] as number))) continue;
      const index = met.reduce((index, at, axis) => index * (input[axis] as number) + at, 0);
      placed[(row * from + index) * to + column] = 1;
    }
  }
  return placed;
}
