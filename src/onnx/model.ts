import type { DataType, Tensor } from './tensor.ts';

/** A float attribute. ONNX distinguishes 1 from 1.0; plain numbers are integer attributes. */
export interface Float {
  readonly float: number;
}
export interface Floats {
  readonly floats: readonly number[];
}

/**
 * The value of an attribute. A plain number is an INT, an array of numbers INTS; floats are wrapped. A
 * tensor has `dims`, a graph has `nodes`.
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
  /** Value names; '' for an omitted optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** A dimension is a number, a symbolic name, or unknown. */
export type Dim = number | string | null;

export interface ValueInfo {
  readonly name: string;
  /** Absent for an output whose type the runtime infers. */
  readonly type?: DataType | undefined;
  /** Absent where the rank is unknown. */
  readonly dims?: readonly Dim[] | undefined;
}

export interface Graph {
  readonly name: string;
  /** Inputs that the caller feeds, without initializers, for any IR version of the file. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** In topological order. */
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
