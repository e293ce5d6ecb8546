/** The one opset of working graphs: every rule, mask and gradient is written for it. */
export const OPSET = 21;
