import { type Graph, subgraphsOf } from '../onnx/index.ts';

/**
 * Gives names that a graph does not use yet: not for a value, not for a node, not in the bodies of its
 * control flow.
 *
 * @returns makes a name that starts with `stem`, and never makes it again
 */
export function freshNames(graph: Graph): (stem: string) => string {
  const taken = namesIn(graph);
  return (stem) => {
    let name = stem;
    for (let count = 1; taken.has(name); count += 1) name = `${stem}.${count}`;
    taken.add(name);
    return name;
  };
}

function namesIn(graph: Graph): Set<string> {
  const names = new Set<string>();
  const graphs = [graph];
  for (const each of graphs) {
    for (const { name } of [...each.inputs, ...each.outputs]) names.add(name);
    for (const name of each.initializers.keys()) names.add(name);
    for (const node of each.nodes) {
      for (const name of [node.name, ...node.inputs, ...node.outputs]) names.add(name);
      graphs.push(...subgraphsOf(node));
    }
  }
  return names;
}
