import type { DataType, Tensor } from './tensor.ts';

/** A float attribute: ONNX tells 1 from 1.0, and plain numbers here are integers. */
export interface Float {
  readonly float: number;
}
export interface Floats {
  readonly floats: readonly number[];
}

/**
 * The value of an attribute. A plain number is ONNX's INT, an array of numbers its INTS; a float is
 * wrapped. A tensor is told from a graph by its `dims`.
 */
export type Attribute =
  | number
  | readonly number[]
  | Float
  | Floats
  | string
  | readonly string[]
  | Tensor
  | Graph;

export type Attributes = Readonly<Record<string, Attribute>>;

export interface Node {
  readonly op: string;
  /** Empty for the standard operators ("ai.onnx" is read as empty). */
  readonly domain: string;
  readonly name: string;
  /** Value names; an empty one stands for an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** A dimension is a number, a symbolic name, or unknown. */
export type Dim = number | string | null;

export interface ValueInfo {
  readonly name: string;
  /** Absent for an output whose type is left to the runtime to infer: its proto has no type. */
  readonly type?: DataType | undefined;
  /** Absent where even the rank is unknown. */
  readonly dims?: readonly Dim[] | undefined;
}

export interface Graph {
  readonly name: string;
  /** Fed by the caller; initializers are not listed here, whatever the file's IR version. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** In an order in which every value is produced before it is used. */
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
}

export interface Model {
  readonly irVersion: number;
  /** Operator set version by domain; the standard domain is ''. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: Graph;
}

export function float(value: number): Float {
  return { float: value };
}
