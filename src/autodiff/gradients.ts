import { Builder, type Traced } from '../graph/index.ts';
import { type Graph, nodeLabel, quoted } from '../onnx/index.ts';
import { AutodiffError } from './error.ts';
import { blockedBy, gradientPaths, type GradientPaths, type Blocker, blockersOf } from './paths.ts';
import { reversePass } from './reverse.ts';

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
 * @throws AutodiffError which lists the nodes on the way that let no gradient through (their operator has
 *   none, or not in the form asked for), or when the loss does not depend on a parameter
 */
export function appendGradients(
  builder: Builder,
  traced: Traced,
  loss: string,
  parameters: readonly string[],
): Map<string, string> {
  const lossType = traced.values.get(loss);
  if (!lossType) {
    throw new AutodiffError(
      'autodiff/not-traced',
      `The trace has no value ${quoted(loss)}: give the name of a value of the traced graph as the loss`,
    );
  }
  if (lossType.dims.some((dim) => dim !== 1)) {
    throw new AutodiffError(
      'autodiff/not-scalar',
      `The loss ${quoted(loss)} has dims [${lossType.dims.join(', ')}]: reduce it to one element first`,
    );
  }
  const paths = gradientPaths(traced, loss, parameters);
  const stops = blockersOf(paths);
  // Rules may refuse a node for its attributes: they are asked before anything is said.
  const gradientOf = reversePass(builder, traced, loss, paths, (stop) => stops.push(stop));
  refuse(paths, stops, parameters);
  return new Map(
    parameters.map((parameter) => {
      const gradient = gradientOf(parameter);
      if (gradient === undefined) {
        throw new AutodiffError(
          'autodiff/unreachable',
          `The loss ${quoted(loss)} does not depend on ${quoted(parameter)} in a differentiable way: leave it out of the parameters`,
        );
      }
      return [parameter, gradient];
    }),
  );
}

/** One error for all nodes that stop the gradient: what each cuts off, and what can be trained. */
function refuse(
  paths: GradientPaths,
  stops: readonly Blocker[],
  parameters: readonly string[],
): void {
  if (stops.length === 0) return;
  const cutOff = new Set<string>();
  const lines = stops.map(({ node, why }) => {
    const cut = blockedBy(paths, node, parameters);
    for (const parameter of cut) cutOff.add(parameter);
    return `  ${nodeLabel(node)}: ${why}; it cuts off ${listed(cut)}`;
  });
  const left = parameters.filter((parameter) => !cutOff.has(parameter));
  throw new AutodiffError(
    'autodiff/unsupported',
    `No gradient passes through ${stops.length} node(s):\n${lines.join('\n')}\n` +
      `Freeze what they cut off (--freeze-unsupported) to train the rest, ${left.length} of ` +
      `${parameters.length} parameters: ${listed(left)}.`,
  );
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map(quoted).join(', ');
}
