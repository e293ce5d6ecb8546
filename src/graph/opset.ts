/** The canonical opset of working graphs, for which all rules, masks and gradients are written. */
export const OPSET = 21;
