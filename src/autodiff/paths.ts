import type { Traced } from '../graph/index.ts';
import type { Node } from '../onnx/index.ts';
import { operatorOf } from '../ops/index.ts';

/** The paths of gradients from the loss to the parameters. */
export interface GradientPaths {
  /** Nodes on the paths, in the order of the graph. */
  readonly nodes: readonly Node[];
  /** Float values that depend on a parameter, other than through operators whose derivative is zero. */
  readonly wanted: ReadonlySet<string>;
}

/** A node on a path through which no gradient passes. */
export interface Blocker {
  readonly node: Node;
  readonly why: string;
  /** The error of the rule, where a rule refused the node. */
  readonly error?: Error | undefined;
}

export function gradientPaths(
  traced: Traced,
  loss: string,
  parameters: readonly string[],
): GradientPaths {
  const wanted = differentiable(traced, parameters);
  const carrying = carriers(traced.graph.nodes, loss, wanted);
  const nodes = traced.graph.nodes.filter((node) => node.outputs.some((y) => carrying.has(y)));
  return { nodes, wanted };
}

/** The nodes whose operator has no gradient. */
export function blockersOf({ nodes }: GradientPaths): Blocker[] {
  return nodes.flatMap((node) => {
    const rule = operatorOf(node)?.gradient;
    if (!rule) return [{ node, why: 'fineprune has no gradient rule for it' }];
    return typeof rule === 'object' && 'none' in rule ? [{ node, why: rule.none }] : [];
  });
}

/** The parameters of which a part of the gradient would pass through a node. */
export function blockedBy(
  { nodes, wanted }: GradientPaths,
  node: Node,
  parameters: readonly string[],
): string[] {
  const reached = new Set(node.inputs.filter((input) => wanted.has(input)));
  for (const before of nodes.slice(0, nodes.indexOf(node)).toReversed()) {
    if (!before.outputs.some((output) => reached.has(output))) continue;
    for (const input of before.inputs) if (wanted.has(input)) reached.add(input);
  }
  return parameters.filter((parameter) => reached.has(parameter));
}

function differentiable({ graph, values }: Traced, parameters: readonly string[]): Set<string> {
  const reached = new Set(parameters);
  for (const node of graph.nodes) {
    if (hasZeroGradient(node) || !node.inputs.some((input) => reached.has(input))) continue;
    for (const output of node.outputs) {
      if (values.get(output)?.type.startsWith('float')) reached.add(output);
    }
  }
  return reached;
}

/** The `wanted` values on which the loss depends: those that receive a gradient. */
function carriers(
  nodes: readonly Node[],
  loss: string,
  wanted: ReadonlySet<string>,
): ReadonlySet<string> {
  const carrying = new Set(wanted.has(loss) ? [loss] : []);
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => carrying.has(output))) continue;
    for (const input of node.inputs) if (wanted.has(input)) carrying.add(input);
  }
  return carrying;
}

function hasZeroGradient(node: Node): boolean {
  const rule = operatorOf(node)?.gradient;
  return typeof rule === 'object' && 'zero' in rule;
}
