import type { Attributes, Node, Tensor } from '../../onnx/index.ts';
import { intsOf } from '../attributes.ts';
import type { NormalizeErrorCode } from './error.ts';

/** What a rule knows of a node's values, and methods that emit nodes. */
export interface Context {
  /**
   * Emits a node. Returns the name of its first output, which is fresh unless `outputs` are given.
   */
  op(
    op: string,
    inputs: readonly string[],
    attributes?: Attributes,
    outputs?: readonly string[],
  ): string;
  /** Emits the node with these parts changed. */
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
  /** The rank of a value; undefined where it is unknown. */
  rank(value: string): number | undefined;
  /** Whether a value is known to be boolean. */
  isBool(value: string): boolean;
  /** Whether a value has a reader or is an output of the graph. */
  isUsed(value: string): boolean;
  /** Throws a NormalizeError with the reason why the node cannot be converted. */
  refuse(reason: string, code?: NormalizeErrorCode): never;
}

interface Common {
  readonly op: string;
  /** The change in one line, for the docs. */
  readonly summary: string;
  /** Emits the new form of the node. A rule that emits nothing leaves the node unchanged. */
  rewrite(node: Node, context: Context): void;
}

/** Converts a node from an opset before `before` to the opset `before`. */
export interface Upgrade extends Common {
  readonly before: number;
}

/** Converts a node from opset `since` or newer to the opset just before `since`. */
export interface Lowering extends Common {
  readonly since: number;
}

export type Rule = Upgrade | Lowering;

/** The attributes without these keys. */
export function without(attributes: Attributes, ...keys: readonly string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([key]) => !keys.includes(key)));
}

/** The inputs without omitted ones at the end. */
export function withoutTrailing(inputs: readonly string[]): readonly string[] {
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
