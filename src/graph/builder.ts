import {
  type Attributes,
  type DataType,
  type Dim,
  type Graph,
  type Node,
  type Tensor,
  type TensorOf,
  type ValueInfo,
  float32,
  int64,
} from '../onnx/index.ts';

/**
 * Builds a graph node by node: `b.op('Add', [x, y])` appends a node and returns the name of its output. The
 * same operator with the same inputs and attributes is appended once (common subexpression elimination).
 */
export class Builder {
  readonly #inputs: ValueInfo[];
  readonly #nodes: Node[];
  readonly #initializers: Map<string, Tensor>;
  readonly #names: Set<string>;
  /** Outputs of appended nodes and constants, by operator, inputs and attributes. */
  readonly #known = new Map<string, readonly string[]>();
  #counter = 0;

  /** Starts empty or with a copy of a graph. */
  constructor(base?: Graph) {
    this.#inputs = [...(base?.inputs ?? [])];
    this.#nodes = [...(base?.nodes ?? [])];
    this.#initializers = new Map(base?.initializers);
    this.#names = new Set([
      ...this.#inputs.map((input) => input.name),
      ...this.#initializers.keys(),
      ...this.#nodes.flatMap((node) => node.outputs),
    ]);
  }

  /** An unused name that starts with `stem`. */
  fresh(stem: string): string {
    let name = stem;
    while (this.#names.has(name)) name = `${stem}.${++this.#counter}`;
    this.#names.add(name);
    return name;
  }

  /** @returns the input's name, with a suffix where `name` is taken */
  input(name: string, type: DataType, dims: readonly Dim[]): string {
    const unique = this.fresh(name);
    this.#inputs.push({ name: unique, type, dims });
    return unique;
  }

  /** @returns the initializer's name, with a suffix where `name` is taken */
  initializer(name: string, tensor: Tensor): string {
    const unique = this.fresh(name);
    this.#initializers.set(unique, tensor);
    return unique;
  }

  /** Adds a constant. Equal constants of at most 64 elements are added once. */
  constant(tensor: Tensor): string {
    if (tensor.data.length > 64) return this.initializer('constant', tensor);
    const key = `constant ${tensor.type} [${tensor.dims.join()}] ${Array.from(tensor.data, String).join()}`;
    const known = this.#known.get(key);
    if (known?.[0] !== undefined) return known[0];
    const name = this.initializer('constant', tensor);
    this.#known.set(key, [name]);
    return name;
  }

  scalar(value: number, type: 'float32' | 'float64' = 'float32'): string {
    const scalar: TensorOf<'float32'> | TensorOf<'float64'> =
      type === 'float32'
        ? float32([], [value])
        : { type: 'float64', dims: [], data: Float64Array.of(value) };
    return this.constant(scalar);
  }

  /** A 1-D int64 constant: axes, shapes, repeats. */
  ints(values: readonly number[]): string {
    return this.constant(int64([values.length], values));
  }

  /** @returns the name of the node's output, `name` or derived from the operator */
  op(op: string, inputs: readonly string[], attributes: Attributes = {}, name?: string): string {
    return this.ops(op, inputs, attributes, 1, name)[0] as string;
  }

  /** Like `op`, for operators with several outputs. */
  ops(
    op: string,
    inputs: readonly string[],
    attributes: Attributes,
    outputs: number,
    name?: string,
  ): readonly string[] {
    const key = `${op} ${outputs} ${inputs.join('\n')} ${JSON.stringify(attributes)}`;
    const known = name === undefined && isPlain(attributes) ? this.#known.get(key) : undefined;
    if (known) return known;
    const stem = name ?? op;
    const names = Array.from({ length: outputs }, () => this.fresh(stem));
    this.#nodes.push({
      op,
      domain: '',
      name: names[0] as string,
      inputs,
      outputs: names,
      attributes,
    });
    if (isPlain(attributes)) this.#known.set(key, names);
    return names;
  }

  /** The graph so far, with these outputs. */
  build(outputs: readonly ValueInfo[], name = 'graph'): Graph {
    return {
      name,
      inputs: [...this.#inputs],
      outputs,
      nodes: [...this.#nodes],
      initializers: new Map(this.#initializers),
    };
  }
}

function isPlain(attributes: Attributes): boolean {
  return Object.values(attributes).every(
    (value) => typeof value !== 'object' || !('dims' in value || 'nodes' in value),
  );
}
