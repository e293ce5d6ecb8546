import { intOf } from '../../graph/index.ts';
import { ownStatistics } from '../../ops/batch-normalization.ts';
import type { Rewrite } from './rewriter.ts';

/**
 * A BatchNormalization in training mode whose running statistics nothing reads gets momentum 0, so that it
 * outputs the statistics of the batch: its gradient does not compute them again.
 *
 * In all cases the node gets its own copies of the old statistics: ONNX Runtime 1.30 overwrites them,
 * even where they are constants that other nodes share.
 */
export const batchStatistics: Rewrite = {
  op: 'BatchNormalization',
  replace: (context) => {
    const { node } = context;
    if (intOf(node, 'training_mode', 0) === 0) return false;
    const [x, scale, bias, ...start] = node.inputs as [string, string, string, string, string];
    const [y, mean, variance] = node.outputs as [string, string?, string?];
    const dims = context.dims(scale);
    const single = context.dims(x).map((_, axis) => (axis === 1 ? (dims[0] as number) : 1));
    // What is cut out of x has all of its axes; what is made of that has one.
    const op = (op: string, inputs: readonly string[], attributes = {}) =>
      context.op(op, inputs, { dims: inputs[0] === x ? single : dims, attributes });
    const zeros = ownStatistics({ op, ints: (values) => context.ints(values) }, x, context.dims(x));
    const read = [mean, variance].some((output) => output && context.isRead(output));
    const type = { type: 'float32', dims } as const;
    context.write(
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
      [{ type: 'float32', dims: context.dims(y) }, type, type],
    );
    return true;
  },
};
