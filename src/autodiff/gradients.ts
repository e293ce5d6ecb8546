import { Builder, type Traced } from '../graph/index.ts';
import { type Graph, nodeLabel, quoted } from '../onnx/index.ts';
import { AutodiffError } from './error.ts';
import { blockedBy, gradientPaths, type GradientPaths, type Blocker, blockersOf } from './paths.ts';
import { reversePass } from './reverse.ts';

/**
 * Builds the graph with its reverse pass: a graph of standard operators that outputs the loss and the
 * gradient of every parameter. See `appendGradients` for the arguments and the errors.
 *
 * @returns the graph, and for each parameter the name of the output that holds its gradient
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
 * Visits the nodes from the loss back to the parameters. The rule of each node computes the gradients of
 * its inputs from those of its outputs. Gradients of a value that is used several times are added, and
 * those of a broadcast operand are summed to its dims.
 *
 * @param builder - holds the graph; the reverse pass is appended to it
 * @param traced - the graph with the type and dims of every value
 * @param loss - name of a value with one element
 * @param parameters - names of the values to differentiate with respect to
 * @returns for each parameter the name of its gradient, a value with the parameter's dims
 * @throws AutodiffError 'autodiff/unsupported' which lists all nodes between the loss and the parameters that
 *   have no gradient (for their operator or their attributes); 'autodiff/unreachable' where the loss does
 *   not depend on a parameter; 'autodiff/not-scalar'; 'autodiff/not-traced'
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
  const blockers = blockersOf(paths);
  // Rules may refuse a node for its attributes: all of them run first, so that one error lists all nodes.
  const gradientOf = reversePass(builder, traced, loss, paths, (blocker) => blockers.push(blocker));
  refuse(paths, blockers, parameters);
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

/** Throws one error for all blockers: the parameters that each one blocks, and those that can be trained. */
function refuse(
  paths: GradientPaths,
  blockers: readonly Blocker[],
  parameters: readonly string[],
): void {
  if (blockers.length === 0) return;
  const blocked = new Set<string>();
  const lines = blockers.map(({ node, why }) => {
    const behind = blockedBy(paths, node, parameters);
    for (const parameter of behind) blocked.add(parameter);
    return `  ${nodeLabel(node)}: ${why}; it blocks ${listed(behind)}`;
  });
  const left = parameters.filter((parameter) => !blocked.has(parameter));
  throw new AutodiffError(
    'autodiff/unsupported',
    `No gradient passes through ${blockers.length} node(s):\n${lines.join('\n')}\n` +
      `Freeze the blocked parameters (--freeze-unsupported) to train the rest, ${left.length} of ` +
      `${parameters.length} parameters: ${listed(left)}.`,
  );
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map(quoted).join(', ');
}
