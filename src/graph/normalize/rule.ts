import type { Attributes, Node, Tensor } from '../../onnx/index.ts';
import { intsOf } from '../attributes.ts';
import type { NormalizeErrorCode } from './error.ts';

/** What a rule may ask and do while it rewrites a node. */
export interface Context {
  /**
   * Puts a node in place of the one rewritten, and gives the name of its first output: fresh, unless
   * `outputs` says which.
   */
  op(
    op: string,
    inputs: readonly string[],
    attributes?: Attributes,
    outputs?: readonly string[],
  ): string;
  /** Puts the same node back, with these parts changed. */
  keep(parts: Partial<Pick<Node, 'op' | 'inputs' | 'outputs' | 'attributes'>>): void;
  /** A constant of dims [values.length], int64. */
  ints(values: readonly number[]): string;
  /** A scalar constant, int64. */
  int(value: number): string;
  /** A constant of dims [values.length], float32. */
  floats(values: readonly number[]): string;
  /** A scalar constant in the element type of the (float) value `like`. */
  scalar(value: number, like: string): string;
  /** The tensor of a value that is an initializer. */
  known(value: string): Tensor | undefined;
  /** The number of axes of a value, where the graph tells it. */
  rank(value: string): number | undefined;
  /** Whether a value is of booleans, as far as the graph tells. */
  isBool(value: string): boolean;
  /** Whether anything reads a value, or it is an output of the graph. */
  used(value: string): boolean;
  /** Says why the node cannot be rewritten. */
  refuse(reason: string, code?: NormalizeErrorCode): never;
}

interface Common {
  readonly op: string;
  /** What changed, in one line, for the docs. */
  readonly summary: string;
  /** Emits the node's new form through the context; emitting nothing leaves the node as it is. */
  rewrite(node: Node, context: Context): void;
}

/** Brings a node from an opset before `before` to the form that it has in `before`. */
export interface Upgrade extends Common {
  readonly before: number;
}

/** Brings a node from opset `since` or newer to the form that it had just before `since`. */
export interface Lowering extends Common {
  readonly since: number;
}

export type Rule = Upgrade | Lowering;

/** The attributes but these. */
export function without(attributes: Attributes, ...keys: readonly string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([key]) => !keys.includes(key)));
}

/** Inputs with those left out at the end gone. */
export function trimmed(inputs: readonly string[]): readonly string[] {
  return inputs.slice(0, inputs.findLastIndex((input) => input !== '') + 1);
}

export function intsNeeded(node: Node, key: string, c: Context): readonly number[] {
  return intsOf(node, key, undefined) ?? c.refuse(`has no ${key}`, 'graph/malformed');
}

export function floatsNeeded(node: Node, key: string, c: Context): readonly number[] {
  const value = node.attributes[key];
  return typeof value === 'object' && 'floats' in value
    ? value.floats
    : c.refuse(`has no ${key}`, 'graph/malformed');
}
