import type { Attributes, Graph, Node, Tensor } from '../../onnx/index.ts';
import { displayName, refusal } from './error.ts';
import { type Known, outputIsBool, outputLength, outputRank } from './infer.ts';
import type { Context } from './rule.ts';

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** The names of a model with all its subgraphs: each is given once. */
export interface Names {
  fresh(stem: string): string;
  isUsed(value: string): boolean;
  /** Whether any value is float64: new constants then take the type of the other operand. */
  readonly hasFloat64: boolean;
}

/** One graph during conversion: the finished nodes, and what is known of their values. */
export interface Scope extends Known {
  readonly nodes: Node[];
  readonly initializers: Map<string, Tensor>;
  /** Adds a finished node. */
  add(node: Node): void;
  /** The name of a constant; equal constants share one. */
  constant(tensor: Tensor, stem: string): string;
}

/** @param outer - the scope that the graph is nested in */
export function scopeOf(graph: Graph, names: Names, outer?: Scope): Scope {
  const initializers = new Map(graph.initializers);
  const constants = new Map<string, string>();
  const ranks = new Map<string, number>();
  const lengths = new Map<string, number>();
  const booleans = new Set<string>();
  for (const { name, dims, type } of graph.inputs) {
    if (dims) ranks.set(name, dims.length);
    if (type === 'bool') booleans.add(name);
  }
  const nodes: Node[] = [];
  const scope: Scope = {
    nodes,
    initializers,
    tensor: (value) => initializers.get(value) ?? outer?.tensor(value),
    rank: (value) => ranks.get(value) ?? initializers.get(value)?.dims.length ?? outer?.rank(value),
    length(value) {
      const dims = initializers.get(value)?.dims;
      if (dims) return dims.length === 1 ? dims[0] : undefined;
      return lengths.get(value) ?? outer?.length(value);
    },
    isBool(value) {
      const type = initializers.get(value)?.type;
      if (type !== undefined) return type === 'bool';
      return booleans.has(value) || outer?.isBool(value) === true;
    },
    add(node) {
      nodes.push(node);
      const isBool = outputIsBool(node, scope);
      const rank = outputRank(node, scope);
      const length = outputLength(node, scope);
      for (const output of node.outputs) {
        if (rank !== undefined) ranks.set(output, rank);
        if (length !== undefined) lengths.set(output, length);
        if (isBool) booleans.add(output);
      }
    },
    constant(tensor, stem) {
      const key = `${tensor.type} [${tensor.dims.join()}] ${Array.from(tensor.data, String).join()}`;
      const known = constants.get(key);
      if (known !== undefined) return known;
      const name = names.fresh(stem);
      initializers.set(name, tensor);
      constants.set(key, name);
      return name;
    },
  };
  return scope;
}

/** The context in which a rule converts `node`. Emitted nodes are appended to `emitted`. */
export function contextOf(node: Node, scope: Scope, names: Names, emitted: Node[]): Context {
  const stem = displayName(node);
  const int64Of = (dims: readonly number[], values: readonly number[]) =>
    scope.constant(
      { type: 'int64', dims, data: BigInt64Array.from(values, toInt64) },
      `${stem}.constant`,
    );
  const float32Of = (dims: readonly number[], values: readonly number[]) =>
    scope.constant({ type: 'float32', dims, data: Float32Array.from(values) }, `${stem}.constant`);
  const context: Context = {
    op(op, inputs, attributes: Attributes = {}, outputs) {
      const made = outputs ?? [names.fresh(`${stem}.${op}`)];
      // The node that produces the old outputs keeps the old name; node names, too, are given once.
      const name = outputs ? node.name : (made[0] as string);
      emitted.push({ op, domain: '', name, inputs, outputs: made, attributes });
      return made[0] as string;
    },
    keep: (parts) => void emitted.push({ ...node, ...parts }),
    ints: (values) => int64Of([values.length], values),
    int: (value) => int64Of([], [value]),
    floats: (values) => float32Of([values.length], values),
    scalar(value, like) {
      const constant = float32Of([], [value]);
      return names.hasFloat64 ? context.op('CastLike', [constant, like]) : constant;
    },
    known: (value) => scope.tensor(value),
    rank: (value) => scope.rank(value),
    isBool: (value) => scope.isBool(value),
    isUsed: (value) => names.isUsed(value),
    refuse(reason, code = 'graph/no-equivalent') {
      throw refusal(code, node, reason);
    },
  };
  return context;
}

/** A number cannot hold limits such as 2^63 - 1 ("to the end" in Slice) exactly. */
function toInt64(value: number): bigint {
  const integer = BigInt(value);
  if (integer > INT64_MAX) return INT64_MAX;
  return integer < INT64_MIN ? INT64_MIN : integer;
}
