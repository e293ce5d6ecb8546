import { OnnxError } from './error.ts';
import type { Graph, Node } from './model.ts';
import { nodeLabel, subgraphsOf } from './node.ts';

const UNSEEN = 0;
const OPEN = 1;
const DONE = 2;

/**
 * The nodes in an order in which values are produced before they are used: the given order where it
 * is one, else each node directly after the last of what it needs that came too late.
 *
 * @throws OnnxError 'onnx/cycle' naming a node that needs its own output
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

/** The outer values that a node reads: its inputs, and what its subgraphs take from outside. */
export function usedNames(node: Node): ReadonlySet<string> {
  const names = new Set(node.inputs);
  for (const graph of subgraphsOf(node))
    for (const name of implicitInputsOf(graph)) names.add(name);
  names.delete('');
  return names;
}

function implicitInputsOf(graph: Graph): ReadonlySet<string> {
  const captured = new Set<string>();
  for (const node of graph.nodes) for (const name of usedNames(node)) captured.add(name);
  for (const { name } of graph.outputs) captured.add(name);
  for (const { name } of graph.inputs) captured.delete(name);
  for (const name of graph.initializers.keys()) captured.delete(name);
  for (const node of graph.nodes) for (const name of node.outputs) captured.delete(name);
  return captured;
}
