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
 * A tape on which one writes `b.op('Add', [x, y])`: it makes nodes, names their outputs, and gives
 * the same value back when the same operator is asked of the same inputs twice.
 */
export class Builder {
  readonly #inputs: ValueInfo[];
  readonly #nodes: Node[];
  readonly #initializers: Map<string, Tensor>;
  readonly #names: Set<string>;
  /** Outputs of nodes and constants made here, by what made them. */
  readonly #known = new Map<string, readonly string[]>();
  #counter = 0;

  /** Starts empty, or from a graph, which is copied and not changed. */
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

  /** A name not used yet that starts with `stem`. */
  fresh(stem: string): string {
    let name = stem;
    while (this.#names.has(name)) name = `${stem}.${++this.#counter}`;
    this.#names.add(name);
    return name;
  }

  input(name: string, type: DataType, dims: readonly Dim[]): string {
    const unique = this.fresh(name);
    this.#inputs.push({ name: unique, type, dims });
    return unique;
  }

  initializer(name: string, tensor: Tensor): string {
    const unique = this.fresh(name);
    this.#initializers.set(unique, tensor);
    return unique;
  }

  /** A value that does not change; small equal ones are kept once. */
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

  /** The graph so far, with these outputs; element types are said where they are known. */
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
