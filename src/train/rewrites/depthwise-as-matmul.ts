import { intOf } from '../../graph/index.ts';
import { float32, sizeOf } from '../../onnx/index.ts';
import { offsetsOf, windowOf, type Window } from '../../ops/window.ts';
import type { Rewrite } from './rewriter.ts';

/** Above this number of pairs of input and output positions, ONNX Runtime's own kernel is faster. */
const MAX_PAIRS = 1024;

/**
 * A depthwise convolution over few positions, common in the deep layers of mobile networks, as one matrix
 * product for each channel: [images, input positions] x [input positions, output positions]. ONNX Runtime
 * convolves each plane separately, and its overhead exceeds the work.
 *
 * The matrices hold each filter at all positions: the filters times a constant matrix of ones and zeros,
 * through which the gradient reaches the filters.
 */
export const depthwiseAsMatmul: Rewrite = {
  op: 'Conv',
  replace: (context) => {
    const { node } = context;
    const [x, w, bias] = node.inputs as [string, string, string?];
    const [y] = node.outputs as [string];
    const [images, channels, ...input] = context.dims(x) as [number, number, ...number[]];
    const [units, each, ...kernel] = context.dims(w) as [number, number, ...number[]];
    const output = context.dims(y).slice(2);
    const [from, to] = [sizeOf(input), sizeOf(output)];
    const depthwise = each === 1 && units === channels && intOf(node, 'group', 1) === channels;
    if (!depthwise || channels === 1 || from * to > MAX_PAIRS) return false;

    const area = sizeOf(kernel);
    const window = windowOf(node, kernel, input, output);
    const reshape = (value: string, dims: readonly number[]) =>
      context.op('Reshape', [value, context.ints(dims)], { dims });
    const placed = context.constant(float32([area, from * to], placements(window, input, output)));
    const filters = context.op('MatMul', [reshape(w, [channels, area]), placed], {
      dims: [channels, from * to],
    });
    const byChannel = { attributes: { perm: [1, 0, 2] } };
    const rows = context.op('Transpose', [reshape(x, [images, channels, from])], {
      dims: [channels, images, from],
      ...byChannel,
    });
    const dims = [channels, images, to];
    const product = context.op('MatMul', [rows, reshape(filters, [channels, from, to])], { dims });
    const shifted = bias
      ? context.op('Add', [product, reshape(bias, [channels, 1, 1])], { dims })
      : product;
    const back = context.op('Transpose', [shifted], { dims: [images, channels, to], ...byChannel });
    context.op('Reshape', [back, context.ints([images, channels, ...output])], {
      dims: [images, channels, ...output],
      name: y,
    });
    return true;
  },
};

/** One row for each kernel offset: 1 where it connects an input position with an output position. */
function placements(
  { kernel, strides, dilations, before }: Window,
  input: readonly number[],
  output: readonly number[],
): Float32Array {
  const [from, to] = [sizeOf(input), sizeOf(output)];
  const placed = new Float32Array(sizeOf(kernel) * from * to);
  const positions = offsetsOf(output);
  for (const [row, offset] of offsetsOf(kernel).entries()) {
    for (const [column, place] of positions.entries()) {
      const source = place.map(
        (at, axis) =>
          at * (strides[axis] as number) +
          (offset[axis] as number) * (dilations[axis] as number) -
          (before[axis] as number),
      );
      if (source.some((at, axis) => at < 0 || at >= (input[axis] as number))) continue;
      const index = source.reduce((index, at, axis) => index * (input[axis] as number) + at, 0);
      placed[(row * from + index) * to + column] = 1;
    }
  }
  return placed;
}
