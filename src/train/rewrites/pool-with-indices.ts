import type { Rewrite } from './rewriter.ts';

/**
 * A MaxPool whose gradient will be asked for tells the places of its maxima at once: made a second
 * time for the gradient, they cost another pass.
 */
export const poolWithIndices: Rewrite = {
  op: 'MaxPool',
  replace: (site) => {
    const { node } = site;
    const [x] = node.inputs as [string];
    if (node.outputs.length > 1 || !site.trained(x)) return false;
    const dims = site.dims(node.outputs[0] as string);
    site.write({ ...node, outputs: [node.outputs[0] as string, ''] }, [
      { type: 'float32', dims },
      { type: 'int64', dims },
    ]);
    return true;
  },
};
