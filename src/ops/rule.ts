import type { Attributes, DataType, Node, Tensor } from '../onnx/index.ts';

/**
 * What a rule sees of the node it differentiates, and the tape it writes its answer on. `x` are the
 * node's inputs, `y` its outputs and `dy` the gradients of the loss by its outputs, all by value
 * name; `dy[i]` is absent where output i does not reach the loss.
 */
export interface Tape {
  readonly node: Node;
  readonly x: readonly string[];
  readonly y: readonly string[];
  readonly dy: readonly (string | undefined)[];
  /** Whether anybody needs the gradient by input i: what nobody needs may be left out. */
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
 * The vector-Jacobian product of an operator: from the gradients of its outputs those of its inputs,
 * in their order. `undefined` stands for a gradient that is zero or that nobody wants. Where an
 * operator broadcasts its inputs (`broadcasts`), a rule gives gradients of the output's dims, and the
 * walk sums them back.
 */
export type Gradient = (t: Tape) => readonly (string | undefined)[];

/** An operator through which no gradient passes, and why. */
export interface NoGradient {
  readonly none: string;
}

/** An operator whose gradient is zero wherever there is one, and why: nothing is refused. */
export interface ZeroGradient {
  readonly zero: string;
}

/** What is known of an operator, in one record. */
export interface Operator {
  readonly gradient: Gradient | NoGradient | ZeroGradient;
  /** Inputs are broadcast against each other, as NumPy does. */
  readonly broadcasts?: boolean | undefined;
}

export function none(why: string): Operator {
  return { gradient: { none: why } };
}

export function zero(why: string): Operator {
  return { gradient: { zero: why } };
}
