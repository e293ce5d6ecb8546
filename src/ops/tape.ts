import type { Attributes, DataType, Node, Tensor } from '../onnx/index.ts';

/**
 * What a gradient rule sees of its node, and the graph that it writes to. `x` are the node's inputs,
 * `y` its outputs and `dy` the gradients of the loss by its outputs, all as value names; `dy[i]` is
 * absent where the loss does not depend on output i.
 */
export interface Tape {
  readonly node: Node;
  readonly x: readonly string[];
  readonly y: readonly string[];
  readonly dy: readonly (string | undefined)[];
  /** Whether the gradient by input i is needed; otherwise the rule may leave it out. */
  wants(index: number): boolean;
  /** Dims of a value of the forward graph. */
  dims(value: string): readonly number[];
  type(value: string): DataType;
  /** The tensor of a value that is known before the graph runs. */
  constant(value: string): Tensor | undefined;
  op(op: string, inputs: readonly string[], attributes?: Attributes): string;
  ops(
    op: string,
    inputs: readonly string[],
    attributes: Attributes,
    outputs: number,
  ): readonly string[];
  /** A constant in the element type of the node's first output. */
  scalar(value: number): string;
  /** A 1-D int64 constant. */
  ints(values: readonly number[]): string;
  initializer(tensor: Tensor): string;
}

/**
 * The vector-Jacobian product of an operator: from the gradients of its outputs, the gradients of its
 * inputs, in the order of the inputs. `undefined` is a gradient that is zero or not needed. If the
 * operator broadcasts its inputs (`broadcasts`), the rule gives gradients with the dims of the output,
 * and the reverse pass sums them back.
 */
export type Gradient = (t: Tape) => readonly (string | undefined)[];

/** No gradient passes through the operator; the reason. */
export interface NoGradient {
  readonly none: string;
}

/** The gradient is zero wherever it exists; the reason. No node is refused. */
export interface ZeroGradient {
  readonly zero: string;
}

export function none(why: string): NoGradient {
  return { none: why };
}

export function zero(why: string): ZeroGradient {
  return { zero: why };
}
