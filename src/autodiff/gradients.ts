import type { Node } from '../onnx/index.ts';
import { type Builder, type Traced, upstream } from '../graph/index.ts';
import { add, operatorOf, sumTo, type Tape } from '../ops/index.ts';
import { AutodiffError } from './error.ts';

/**
 * Appends the reverse pass to a graph.
 *
 * Walks the nodes from the loss back to the parameters; each node's rule turns the gradients of its
 * outputs into those of its inputs, gradients of a value used several times are added up, and those
 * of a broadcast operand are summed back to its dims.
 *
 * @param builder - holds the graph already; the reverse pass is written on it
 * @param traced - the graph with the type and dims of every value
 * @param loss - a value with one element
 * @param parameters - values to differentiate by
 * @returns for each parameter the name of its gradient, a value of the parameter's dims
 * @throws AutodiffError when an operator on the way has no rule or no gradient, or when the loss does
 *   not depend on a parameter
 */
export function appendGradients(
  builder: Builder,
  traced: Traced,
  loss: string,
  parameters: readonly string[],
): Map<string, string> {
  const { graph, values } = traced;
  const typeOf = (value: string) => {
    const known = values.get(value);
    if (!known) throw new Error(`value "${value}" was not traced`);
    return known;
  };
  const lossType = typeOf(loss);
  if (lossType.dims.some((dim) => dim !== 1)) {
    throw new AutodiffError(
      'autodiff/not-scalar',
      `The loss "${loss}" has dims [${lossType.dims.join(', ')}]: reduce it to one element first`,
    );
  }

  const wanted = differentiable(traced, parameters);
  const carrying = carriers(graph.nodes, loss, wanted);
  const cotangents = new Map<string, string[]>([[loss, [ones(builder, traced, loss)]]]);
  const gradientOf = (value: string) => {
    const terms = cotangents.get(value);
    return terms && add(emit(builder), terms);
  };

  const path = graph.nodes.filter((node) => node.outputs.some((output) => carrying.has(output)));
  refuse(path, parameters, graph.nodes);

  for (const node of path.toReversed()) {
    const dy = node.outputs.map(gradientOf);
    if (dy.every((gradient) => gradient === undefined)) continue;
    const operator = operatorOf(node);
    if (typeof operator?.gradient !== 'function') continue;
    const tape: Tape = {
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
    const dx = operator.gradient(tape);
    for (const [index, gradient] of dx.entries()) {
      const input = node.inputs[index];
      if (gradient === undefined || !input || !wanted.has(input)) continue;
      const term = operator.broadcasts
        ? sumTo(tape, gradient, typeOf(node.outputs[0] as string).dims, typeOf(input).dims)
        : gradient;
      const terms = cotangents.get(input);
      if (terms) terms.push(term);
      else cotangents.set(input, [term]);
    }
  }

  return new Map(
    parameters.map((parameter) => {
      const gradient = gradientOf(parameter);
      if (gradient === undefined) {
        throw new AutodiffError(
          'autodiff/unreachable',
          `The loss "${loss}" does not depend on "${parameter}" in a differentiable way: leave it out of the parameters`,
        );
      }
      return [parameter, gradient];
    }),
  );
}

/** Values that depend on a parameter by a way of floating point numbers only. */
function differentiable({ graph, values }: Traced, parameters: readonly string[]): Set<string> {
  const reached = new Set(parameters);
  for (const node of graph.nodes) {
    if (!node.inputs.some((input) => reached.has(input))) continue;
    for (const output of node.outputs) {
      if (values.get(output)?.type.startsWith('float')) reached.add(output);
    }
  }
  return reached;
}

/** Those of the `wanted` values from which a gradient can arrive: the loss reads them as numbers. */
function carriers(
  nodes: readonly Node[],
  loss: string,
  wanted: ReadonlySet<string>,
): ReadonlySet<string> {
  const carrying = new Set(wanted.has(loss) ? [loss] : []);
  for (const node of nodes.toReversed()) {
    const rule = operatorOf(node)?.gradient;
    if (typeof rule === 'object' && 'zero' in rule) continue;
    if (!node.outputs.some((output) => carrying.has(output))) continue;
    for (const input of node.inputs) if (wanted.has(input)) carrying.add(input);
  }
  return carrying;
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

/** One error for every operator that stops the gradient, with what each cuts off. */
function refuse(
  path: readonly Node[],
  parameters: readonly string[],
  nodes: readonly Node[],
): void {
  const stopped = path.flatMap((node) => {
    const operator = operatorOf(node);
    const why = operator
      ? 'none' in operator.gradient && operator.gradient.none
      : 'fineprune has no gradient rule for it';
    return why ? [{ node, why }] : [];
  });
  if (stopped.length === 0) return;
  const lines = stopped.map(({ node, why }) => {
    const above = upstream(
      { name: '', inputs: [], outputs: [], nodes, initializers: new Map() },
      node.inputs,
    );
    const cut = parameters.filter((parameter) => above.has(parameter));
    return `  ${node.op} "${node.name}": ${why}; it cuts off ${cut.map((name) => `"${name}"`).join(', ')}`;
  });
  throw new AutodiffError(
    'autodiff/unsupported',
    `No gradient passes through ${stopped.length} node(s):\n${lines.join('\n')}\nFreeze the parameters named above to train the rest.`,
  );
}
