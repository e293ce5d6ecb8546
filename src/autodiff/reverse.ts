import type { Builder, Traced } from '../graph/index.ts';
import { type Node, nodeLabel, quoted } from '../onnx/index.ts';
import { add, type Gradient, operatorOf, RuleError, sumTo, type Tape } from '../ops/index.ts';
import { AutodiffError } from './error.ts';
import type { GradientPaths, Blocker } from './paths.ts';

/**
 * Appends the reverse pass: from the loss back along the paths, the rule of each node computes the
 * gradients of its inputs from those of its outputs.
 *
 * @param onBlocked - called for each node whose rule refuses it; the walk continues. Nodes without a rule
 *   are skipped
 * @returns a function that gives the name of the gradient of a value, or undefined where it has none
 */
export function reversePass(
  builder: Builder,
  traced: Traced,
  loss: string,
  { nodes, wanted }: GradientPaths,
  onBlocked: (stop: Blocker) => void,
): (value: string) => string | undefined {
  const cotangents = new Map<string, string[]>([[loss, [ones(builder, traced, loss)]]]);
  const gradientOf = (value: string) => {
    const terms = cotangents.get(value);
    return terms && add(emit(builder), terms);
  };

  for (const node of nodes.toReversed()) {
    const dy = node.outputs.map(gradientOf);
    if (dy.every((gradient) => gradient === undefined)) continue;
    const operator = operatorOf(node);
    if (typeof operator?.gradient !== 'function') continue;
    const tape = tapeOf(builder, traced, node, dy, wanted);
    const dx = applyRule(operator.gradient, tape, onBlocked);
    for (const [index, gradient] of dx.entries()) {
      const input = node.inputs[index];
      if (gradient === undefined || !input || !wanted.has(input)) continue;
      const term = operator.broadcasts
        ? sumTo(tape, gradient, tape.dims(node.outputs[0] as string), tape.dims(input))
        : gradient;
      const terms = cotangents.get(input);
      if (terms) terms.push(term);
      else cotangents.set(input, [term]);
    }
  }
  return gradientOf;
}

function applyRule(
  rule: Gradient,
  tape: Tape,
  onBlocked: (stop: Blocker) => void,
): readonly (string | undefined)[] {
  try {
    return rule(tape);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    onBlocked({ node: tape.node, why: error.why, error });
    return [];
  }
}

function tapeOf(
  builder: Builder,
  { graph, values }: Traced,
  node: Node,
  dy: Tape['dy'],
  wanted: ReadonlySet<string>,
): Tape {
  const typeOf = (value: string) => {
    const known = values.get(value);
    if (!known) {
      throw new AutodiffError(
        'autodiff/not-traced',
        `The trace has no value ${quoted(value)}, which ${nodeLabel(node)} uses: trace the graph as it is now`,
      );
    }
    return known;
  };
  return {
    ...emit(builder),
    node,
    x: node.inputs,
    y: node.outputs,
    dy,
    wants: (index) => wanted.has(node.inputs[index] ?? ''),
    dims: (value) => typeOf(value).dims,
    type: (value) => typeOf(value).type,
    constant: (value) => graph.initializers.get(value),
    ops: (op, inputs, attributes, outputs) => builder.ops(op, inputs, attributes, outputs),
    scalar: (value) =>
      builder.scalar(
        value,
        typeOf(node.outputs[0] as string).type === 'float64' ? 'float64' : 'float32',
      ),
    initializer: (tensor) => builder.constant(tensor),
  };
}

function emit(builder: Builder): Pick<Tape, 'op' | 'ints'> {
  return {
    op: (op, inputs, attributes) => builder.op(op, inputs, attributes),
    ints: (values) => builder.ints(values),
  };
}

function ones(builder: Builder, traced: Traced, loss: string): string {
  const { type, dims } = traced.values.get(loss) as { type: string; dims: readonly number[] };
  return builder.constant(
    type === 'float64'
      ? { type, dims, data: Float64Array.of(1) }
      : { type: 'float32', dims, data: Float32Array.of(1) },
  );
}
