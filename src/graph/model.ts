import type { Graph, Model } from '../onnx/index.ts';
import { OPSET } from './opset.ts';

/** Wraps a working graph as a model that a runtime can open. */
export function modelOf(graph: Graph): Model {
  const domains = new Set(graph.nodes.map((node) => node.domain));
  return {
    irVersion: 10,
    opsets: new Map([...domains, ''].map((domain) => [domain, domain === '' ? OPSET : 1])),
    producer: 'fineprune',
    metadata: new Map(),
    graph,
  };
}
