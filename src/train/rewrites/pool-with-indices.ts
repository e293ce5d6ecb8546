import type { Rewrite } from './rewriter.ts';

/**
 * A MaxPool that needs a gradient outputs the indices of its maxima in the forward pass. The gradient
 * would otherwise compute them in a second pass.
 */
export const poolWithIndices: Rewrite = {
  op: 'MaxPool',
  replace: (context) => {
    const { node } = context;
    const [x] = node.inputs as [string];
    if (node.outputs.length > 1 || !context.isTrained(x)) return false;
    const dims = context.dims(node.outputs[0] as string);
    context.write({ ...node, outputs: [node.outputs[0] as string, ''] }, [
      { type: 'float32', dims },
      { type: 'int64', dims },
    ]);
    return true;
  },
};
