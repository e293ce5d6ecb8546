import type { Graph, Node, Tensor } from '../../onnx/index.ts';
import { floatOf, intOf, stringOf } from '../attributes.ts';
import { Builder } from '../builder.ts';
import type { Traced, ValueType } from '../traced.ts';
import { type Activation, activationsOf } from './activation.ts';
import { type Cell, type CellContext, cells, type State } from './cells.ts';

export interface LoweredGraph {
  readonly graph: Graph;
  /** First outputs of the nodes that were replaced. */
  readonly changed: readonly string[];
  /** Nodes that were not lowered, and why. */
  readonly kept: readonly { readonly node: Node; readonly why: string }[];
}

/**
 * Unrolls LSTM, GRU and RNN nodes for the traced number of steps, so that gradients pass through them. The
 * products with W are computed for all steps at once. Weights stay the same initializers, and outputs keep
 * their names. Callers trace the result again.
 */
export function lowerRecurrent({ graph, values }: Traced): LoweredGraph {
  const builder = new Builder(graph);
  const changed: string[] = [];
  const kept: { node: Node; why: string }[] = [];
  const nodes: Node[] = [];
  let written = graph.nodes.length;
  for (const node of graph.nodes) {
    const cell = node.domain === '' ? cells[node.op] : undefined;
    const layer = cell && layerOf(node, cell, graph, values);
    if (!layer || typeof layer === 'string') {
      if (typeof layer === 'string') kept.push({ node, why: layer });
      nodes.push(node);
      continue;
    }
    const results = unroll(builder, node, cell, layer);
    const all = builder.build([]).nodes;
    nodes.push(...all.slice(written));
    written = all.length;
    for (const [index, output] of node.outputs.entries()) {
      const value = results[index];
      if (output === '' || value === undefined) continue;
      nodes.push({
        op: 'Identity',
        domain: '',
        name: output,
        inputs: [value],
        outputs: [output],
        attributes: {},
      });
    }
    changed.push(node.outputs.find((output) => output !== '') ?? node.name);
  }
  if (changed.length === 0) return { graph, changed, kept };
  const { initializers } = builder.build([]);
  return { graph: { ...graph, nodes, initializers }, changed, kept };
}

/** The properties of a recurrent node. */
interface Layer {
  readonly type: 'float32' | 'float64';
  readonly steps: number;
  readonly batch: number;
  readonly hidden: number;
  /** For each direction, whether it runs from the last step to the first. */
  readonly backwards: readonly boolean[];
  /** For each direction. */
  readonly activations: readonly (readonly Activation[])[];
}

/** The properties of a node, or the reason why it cannot be unrolled. */
function layerOf(
  node: Node,
  { gates }: Cell,
  graph: Graph,
  values: ReadonlyMap<string, ValueType>,
): Layer | string {
  const x = values.get(node.inputs[0] as string);
  const r = values.get(node.inputs[2] as string);
  if (!x || !r || (x.type !== 'float32' && x.type !== 'float64'))
    return 'its inputs are not floats';
  if (intOf(node, 'layout', 0) !== 0) return 'it has the batch on the first axis (layout 1)';
  if (intOf(node, 'input_forget', 0) !== 0) return 'its input and forget gates are coupled';
  const [steps, batch] = x.dims as [number, number];
  const lengths = node.inputs[4];
  if (lengths && !isFull(graph.initializers.get(lengths), steps)) {
    return 'its sequences have lengths of their own (sequence_lens)';
  }
  const direction = stringOf(node, 'direction', 'forward');
  const backwards =
    direction === 'bidirectional' ? [false, true] : [direction.toLowerCase() === 'reverse'];
  const functions = gates === 4 ? 3 : gates === 3 ? 2 : 1;
  const standard = gates === 1 ? ['Tanh'] : ['Sigmoid', 'Tanh', 'Tanh'].slice(0, functions);
  const said = node.attributes['activations'];
  const names = Array.isArray(said) ? (said as string[]) : backwards.flatMap(() => standard);
  const all = activationsOf(
    names,
    floatsOf(node, 'activation_alpha'),
    floatsOf(node, 'activation_beta'),
  );
  if (typeof all === 'string') return `its activation ${all} is unknown`;
  const activations = backwards.map((_, at) => all.slice(at * functions, (at + 1) * functions));
  return { type: x.type, steps, batch, hidden: r.dims[2] as number, backwards, activations };
}

function isFull(lengths: Tensor | undefined, steps: number): boolean {
  return lengths !== undefined && Array.from(lengths.data, Number).every((each) => each === steps);
}

function floatsOf(node: Node, key: string): readonly number[] {
  const value = node.attributes[key];
  return typeof value === 'object' && 'floats' in value ? value.floats : [];
}

/** Unrolls a layer. Returns the values of Y [steps, directions, batch, hidden], Y_h and Y_c. */
function unroll(b: Builder, node: Node, cell: Cell, layer: Layer): string[] {
  const { steps, batch, hidden, backwards } = layer;
  const directions = backwards.map((backward, direction) => {
    const context = contextOf(b, node, cell, layer, direction);
    const state = (index: number) => {
      const value = node.inputs[index];
      return value
        ? matrix(b, value, backwards.length, direction, [batch, hidden])
        : zeros(b, layer.type, [batch, hidden]);
    };
    const inputs = inputsOf(b, node, cell, layer, direction, context);
    let last: State = { h: state(5), c: cell.gates === 4 ? state(6) : '' };
    const outputs = Array<string>(steps);
    for (let count = 0; count < steps; count++) {
      const at = backward ? steps - 1 - count : count;
      last = cell.step(context, inputs[at] as string, last);
      outputs[at] = last.h;
    }
    const joined = steps === 1 ? (outputs[0] as string) : b.op('Concat', outputs, { axis: 0 });
    return { y: shaped(b, joined, [steps, 1, batch, hidden]), last };
  });
  const join = (parts: readonly string[], axis: number) =>
    parts.length === 1 ? (parts[0] as string) : b.op('Concat', parts, { axis });
  const ends = (key: keyof State) =>
    join(
      directions.map(({ last }) => shaped(b, last[key], [1, batch, hidden])),
      0,
    );
  const y = join(
    directions.map((direction) => direction.y),
    1,
  );
  return cell.gates === 4 ? [y, ends('h'), ends('c')] : [y, ends('h')];
}

function contextOf(
  b: Builder,
  node: Node,
  { gates }: Cell,
  { type, hidden, backwards, activations }: Layer,
  direction: number,
): CellContext {
  const count = backwards.length;
  const rows = gates * hidden;
  const biases = node.inputs[3];
  const both = biases ? matrix(b, biases, count, direction, [2 * rows]) : undefined;
  const [input, recurrence] =
    both === undefined ? [] : b.ops('Split', [both, b.ints([rows, rows])], { axis: 0 }, 2);
  const peepholes = gates === 4 ? node.inputs[7] : undefined;
  const clip = floatOf(node, 'clip', 0);
  return {
    b,
    type,
    hidden,
    r: matrix(b, node.inputs[2] as string, count, direction, [rows, hidden]),
    bias: input !== undefined && recurrence !== undefined ? { input, recurrence } : undefined,
    peepholes: peepholes ? matrix(b, peepholes, count, direction, [3 * hidden]) : undefined,
    activations: activations[direction] ?? [],
    clip: clip > 0 ? clip : undefined,
    linearBeforeReset: intOf(node, 'linear_before_reset', 0) === 1,
  };
}

/** X Wᵀ + b for all steps at once, then one value [batch, gates hidden] for each. */
function inputsOf(
  b: Builder,
  node: Node,
  cell: Cell,
  { steps, batch, hidden, backwards }: Layer,
  direction: number,
  context: CellContext,
): readonly string[] {
  const rows = cell.gates * hidden;
  const x = b.op('Flatten', [node.inputs[0] as string], { axis: 2 });
  const w = matrix(b, node.inputs[1] as string, backwards.length, direction, [rows, -1]);
  const bias = cell.inputBias(context);
  const all = b.op('Gemm', bias === undefined ? [x, w] : [x, w, bias], { transB: 1 });
  return steps === 1
    ? [all]
    : b.ops('Split', [all, b.ints(Array<number>(steps).fill(batch))], { axis: 0 }, steps);
}

/** One direction's part of a value [directions, ...]. */
function matrix(
  b: Builder,
  value: string,
  directions: number,
  direction: number,
  dims: readonly number[],
): string {
  const part =
    directions === 1
      ? value
      : (b.ops('Split', [value, b.ints([1, 1])], { axis: 0 }, 2)[direction] as string);
  return shaped(b, part, dims);
}

function shaped(b: Builder, value: string, dims: readonly number[]): string {
  return b.op('Reshape', [value, b.ints(dims)]);
}

function zeros(b: Builder, type: 'float32' | 'float64', dims: readonly number[]): string {
  const size = dims.reduce((product, dim) => product * dim, 1);
  return b.constant(
    type === 'float64'
      ? { type, dims, data: new Float64Array(size) }
      : { type, dims, data: new Float32Array(size) },
  );
}
