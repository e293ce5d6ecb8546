import { Builder, type Traced } from '../graph/index.ts';
import type { Graph } from '../onnx/index.ts';
import { AutodiffError } from './error.ts';
import { cutOffBy, pathsTo, type Paths, stopsOf } from './paths.ts';
import { reverse } from './reverse.ts';

/**
 * The graph with its reverse pass: another graph of standard operators, which gives the loss and the
 * gradient of every parameter. See `appendGradients` for the arguments and the errors.
 */
export function gradients(
  traced: Traced,
  loss: string,
  parameters: readonly string[],
): { graph: Graph; gradients: Map<string, string> } {
  const builder = new Builder(traced.graph);
  const names = appendGradients(builder, traced, loss, parameters);
  const outputs = [...new Set([loss, ...names.values()])].map((name) => ({ name }));
  return { graph: builder.build(outputs, 'gradients'), gradients: names };
}

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
 * @throws RuleError when a node asks for a form of its operator that has no gradient
 */
export function appendGradients(
  builder: Builder,
  traced: Traced,
  loss: string,
  parameters: readonly string[],
): Map<string, string> {
  const lossType = traced.values.get(loss);
  if (!lossType) throw new Error(`value "${loss}" was not traced`);
  if (lossType.dims.some((dim) => dim !== 1)) {
    throw new AutodiffError(
      'autodiff/not-scalar',
      `The loss "${loss}" has dims [${lossType.dims.join(', ')}]: reduce it to one element first`,
    );
  }
  const paths = pathsTo(traced, loss, parameters);
  refuse(paths, parameters);
  const gradientOf = reverse(builder, traced, loss, paths, ({ error, why }) => {
    throw error ?? new Error(why);
  });
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

/** One error for every operator that stops the gradient, with what each cuts off. */
function refuse(paths: Paths, parameters: readonly string[]): void {
  const stops = stopsOf(paths);
  if (stops.length === 0) return;
  const lines = stops.map(({ node, why }) => {
    const cut = cutOffBy(paths, node, parameters);
    return `  ${node.op} "${node.name}": ${why}; it cuts off ${cut.map((name) => `"${name}"`).join(', ')}`;
  });
  throw new AutodiffError(
    'autodiff/unsupported',
    `No gradient passes through ${stops.length} node(s):\n${lines.join('\n')}\nFreeze the parameters named above to train the rest.`,
  );
}
