import { OnnxError } from './error.ts';
import type { Graph, Node } from './model.ts';
import { nodeLabel, subgraphsOf } from './node.ts';

const UNSEEN = 0;
const OPEN = 1;
const DONE = 2;

/**
 * Sorts nodes topologically. An order that is topological already stays the same.
 *
 * @throws OnnxError 'onnx/cycle' that names a node which needs its own output
 */
export function sortedNodes(nodes: readonly Node[]): readonly Node[] {
  const producer = new Map<string, number>();
  for (const [i, node] of nodes.entries()) {
    for (const output of node.outputs) if (output !== '') producer.set(output, i);
  }
  const needs = nodes.map((node) => {
    const indices = new Set<number>();
    for (const name of usedNames(node)) {
      const index = producer.get(name);
      if (index !== undefined) indices.add(index);
    }
    return [...indices];
  });
  if (needs.every((indices, i) => indices.every((index) => index < i))) return nodes;

  // Depth first without recursion: a hostile chain can be longer than the call stack.
  const state = new Uint8Array(nodes.length);
  const sorted: Node[] = [];
  for (let root = 0; root < nodes.length; root++) {
    if (state[root] !== UNSEEN) continue;
    const path = [{ index: root, next: 0 }];
    state[root] = OPEN;
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const need = needs[top.index]![top.next++];
      if (need === undefined) {
        state[top.index] = DONE;
        sorted.push(nodes[top.index]!);
        path.pop();
      } else if (state[need] === UNSEEN) {
        state[need] = OPEN;
        path.push({ index: need, next: 0 });
      } else if (state[need] === OPEN) {
        throw new OnnxError(
          'onnx/cycle',
          `${nodeLabel(nodes[need]!)} needs its own output, by way of ` +
            `${nodeLabel(nodes[top.index]!)}; the file is damaged or hostile: do not use it`,
        );
      }
    }
  }
  return sorted;
}

/** All values that a node reads: its inputs, and the implicit inputs of its subgraphs. */
export function usedNames(node: Node): ReadonlySet<string> {
  const names = new Set(node.inputs);
  for (const graph of subgraphsOf(node))
    for (const name of implicitInputsOf(graph)) names.add(name);
  names.delete('');
  return names;
}

/** Values of outer scopes that a subgraph reads. */
function implicitInputsOf(graph: Graph): ReadonlySet<string> {
  const outer = new Set<string>();
  for (const node of graph.nodes) for (const name of usedNames(node)) outer.add(name);
  for (const { name } of graph.outputs) outer.add(name);
  for (const { name } of graph.inputs) outer.delete(name);
  for (const name of graph.initializers.keys()) outer.delete(name);
  for (const node of graph.nodes) for (const name of node.outputs) outer.delete(name);
  return outer;
}
