import { intOf } from '../../graph/index.ts';
import { ownStatistics } from '../../ops/batch-normalization.ts';
import type { Rewrite } from './rewriter.ts';

/**
 * A BatchNormalization in training mode whose running statistics nobody reads gives, with momentum 0,
 * the batch's own: its gradient then need not compute them again.
 *
 * In any case it gets buffers of its own to start from: ONNX Runtime 1.30 writes the new statistics
 * over the old ones, be they constants, and be these shared with another node.
 */
export const batchStatistics: Rewrite = {
  op: 'BatchNormalization',
  replace: (site) => {
    const { node } = site;
    if (intOf(node, 'training_mode', 0) === 0) return false;
    const [x, scale, bias, ...start] = node.inputs as [string, string, string, string, string];
    const [y, mean, variance] = node.outputs as [string, string?, string?];
    const dims = site.dims(scale);
    const single = site.dims(x).map((_, axis) => (axis === 1 ? (dims[0] as number) : 1));
    // What is cut out of x has all of its axes; what is made of that has one.
    const op = (op: string, inputs: readonly string[], attributes = {}) =>
      site.op(op, inputs, { dims: inputs[0] === x ? single : dims, attributes });
    const zeros = ownStatistics({ op, ints: (values) => site.ints(values) }, x, site.dims(x));
    const read = [mean, variance].some((output) => output && site.read(output));
    const type = { type: 'float32', dims } as const;
    site.write(
      {
        ...node,
        inputs: [
          x,
          scale,
          bias,
          ...zeros.map((zero, at) => (read ? op('Add', [zero, start[at] as string]) : zero)),
        ],
        outputs: [y, mean ?? '', variance ?? ''],
        attributes: read ? node.attributes : { ...node.attributes, momentum: { float: 0 } },
      },
      [{ type: 'float32', dims: site.dims(y) }, type, type],
    );
    return true;
  },
};
