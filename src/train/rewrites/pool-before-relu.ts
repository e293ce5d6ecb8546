import type { Node } from '../../onnx/index.ts';
import type { Rewrite } from './rewriter.ts';

/**
 * MaxPool(Relu(x)) = Relu(MaxPool(x)): the maximum of what is cut at zero is the maximum, cut at
 * zero. Relu and its gradient then work on what is left after pooling. Where a whole window is cut,
 * its gradient is zero either way; elsewhere it goes to the same place.
 */
export const poolBeforeRelu: Rewrite = {
  op: 'MaxPool',
  after: 'Relu',
  replace: (site) => {
    const { node } = site;
    const [cut] = node.inputs as [string];
    const relu = site.producer(cut) as Node;
    if (node.outputs.length > 1 || !site.sole(cut)) return false;
    const [y] = node.outputs as [string];
    const dims = site.dims(y);
    const largest = site.op('MaxPool', [relu.inputs[0] as string], {
      dims,
      attributes: node.attributes,
    });
    site.op('Relu', [largest], { dims, name: y });
    return true;
  },
};
