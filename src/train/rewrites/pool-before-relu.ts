import type { Node } from '../../onnx/index.ts';
import type { Rewrite } from './rewriter.ts';

/**
 * MaxPool(Relu(x)) = Relu(MaxPool(x)), since Relu is monotone. Relu and its gradient then work on the
 * smaller pooled tensor. The gradient is the same: zero for windows without a positive value, and at the
 * same maximum for the others.
 */
export const poolBeforeRelu: Rewrite = {
  op: 'MaxPool',
  after: 'Relu',
  replace: (context) => {
    const { node } = context;
    const [activated] = node.inputs as [string];
    const relu = context.producer(activated) as Node;
    if (node.outputs.length > 1 || !context.isOnlyReader(activated)) return false;
    const [y] = node.outputs as [string];
    const dims = context.dims(y);
    const pooled = context.op('MaxPool', [relu.inputs[0] as string], {
      dims,
      attributes: node.attributes,
    });
    context.op('Relu', [pooled], { dims, name: y });
    return true;
  },
};
