import { downstream, upstream } from '../../graph/index.ts';
import { type Graph, type Node, nodeLabel, usedNames } from '../../onnx/index.ts';
import { decisionOf, dependsOnDims, isElementwise } from '../../ops/index.ts';

/**
 * A place where a decision about the input changes what reaches the scores: the form of a backdoor that
 * is code and not weights (ShadowLogic; arXiv 2511.00664). No repair of weights removes it.
 */
export interface InputLogic {
  /** The nodes that decide, for example a comparison. */
  readonly decisions: readonly string[];
  /** The node that the decision switches: a selection, a branch, or arithmetic with a 0 or 1. */
  readonly gate: string;
  /** The value that the gate reads the decision from. */
  readonly control: string;
}

/** What is known of a value that depends on the input. */
interface Origin {
  /** The value that it is a function of by element; itself, where elements are mixed. */
  readonly root: string;
  /** The nodes whose decisions it is made of. Empty: it is no decision. */
  readonly decisions: ReadonlySet<Node>;
}

const NO_DECISIONS: ReadonlySet<Node> = new Set();

/**
 * Finds where decisions about the input switch values that reach the scores.
 *
 * A decision by element about the value that it switches is an activation, as in `Where(x > 0, x, 0.1 x)`,
 * and is left out. So is all that depends on the dims of the input only.
 *
 * @param graph - its nodes are in topological order
 * @param scores - names of the outputs
 * @returns in the order of the graph, one for each gate
 */
export function inputLogic(graph: Graph, scores: readonly string[]): InputLogic[] {
  const inputs = graph.inputs
    .map(({ name }) => name)
    .filter((name) => !graph.initializers.has(name));
  const reaches = upstream(graph, scores);
  const origins = new Map<string, Origin>(
    inputs.map((name) => [name, { root: name, decisions: NO_DECISIONS }]),
  );
  const dependent = downstream(graph, inputs);
  const found: InputLogic[] = [];
  for (const node of graph.nodes) {
    if (dependsOnDims(node) || !node.outputs.some((name) => dependent.has(name))) continue;
    const read = [...usedNames(node)].filter((name) => origins.has(name));
    if (read.length === 0) continue;
    const { decisions, control } = decide(node, read, origins);
    const roots = new Set(read.map((name) => origins.get(name)?.root as string));
    const [root] = roots;
    for (const output of node.outputs) {
      const own = isElementwise(node) && roots.size === 1 ? (root as string) : output;
      origins.set(output, {
        root: own,
        decisions: control === undefined ? decisions : NO_DECISIONS,
      });
    }
    if (control !== undefined && node.outputs.some((name) => reaches.has(name))) {
      found.push({ decisions: [...decisions].map(nodeLabel), gate: nodeLabel(node), control });
    }
  }
  return found;
}

/** The decisions that a node's output is made of, and the input that switches it, if one does. */
function decide(
  node: Node,
  read: readonly string[],
  origins: ReadonlyMap<string, Origin>,
): { readonly decisions: ReadonlySet<Node>; readonly control?: string | undefined } {
  const decisionsOf = (names: readonly string[]) =>
    new Set(names.flatMap((name) => [...(origins.get(name) as Origin).decisions]));
  const made = decisionsOf(read);
  const how = decisionOf(node);
  if (how === 'compares') return { decisions: made.add(node) };
  if (how === 'combines') return { decisions: made };
  const controls = controlsOf(node, read, origins);
  const data = read.filter((name) => !controls.includes(name));
  // A number that is taken for a condition, as by a Cast to bool, is a decision of this node.
  const deciding = decisionsOf(controls);
  if (deciding.size === 0 && controls.length > 0) deciding.add(node);
  if (how === 'branches') return { decisions: deciding, control: controls[0] };
  if (controls.length === 0 || data.length === 0) return { decisions: deciding };
  const roots = new Set(read.map((name) => origins.get(name)?.root));
  if (isElementwise(node) && roots.size === 1) return { decisions: NO_DECISIONS };
  return { decisions: deciding, control: controls[0] };
}

/** The inputs of a node that switch what it makes of the others. */
function controlsOf(
  node: Node,
  read: readonly string[],
  origins: ReadonlyMap<string, Origin>,
): readonly string[] {
  const how = decisionOf(node);
  // An If has a condition; a Loop has a count and a condition.
  if (how === 'branches') return node.inputs.slice(0, 2).filter((name) => origins.has(name));
  if (how === 'selects') return node.inputs.slice(0, 1).filter((name) => origins.has(name));
  return read.filter((name) => (origins.get(name) as Origin).decisions.size > 0);
}
