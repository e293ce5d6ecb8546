import { quoted } from './error.ts';
import type { Attribute, Graph, Node } from './model.ts';
import type { Tensor } from './tensor.ts';

/** A label of a node for messages. Exporters often leave the node's name empty. */
export function nodeLabel(node: Pick<Node, 'op' | 'name' | 'outputs'>): string {
  if (node.name !== '') return `the ${printable(node.op)} node ${quoted(node.name)}`;
  return `the ${printable(node.op)} node that produces ${quoted(node.outputs[0] ?? '')}`;
}

function printable(op: string): string {
  return /^\w{1,40}$/.test(op) ? op : quoted(op);
}

export function subgraphsOf(node: Node): readonly Graph[] {
  return Object.values(node.attributes).filter(isGraph);
}

export function isGraph(value: Attribute): value is Graph {
  return typeof value === 'object' && 'nodes' in value;
}

export function isTensor(value: Attribute): value is Tensor {
  return typeof value === 'object' && 'dims' in value;
}

/** Whether a node is a standard Constant, which holds its value as an attribute. */
export function isConstant({ op, domain }: Pick<Node, 'op' | 'domain'>): boolean {
  return op === 'Constant' && domain === '';
}
