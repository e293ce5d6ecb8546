import { OnnxError, quoted } from './error.ts';
import type { Attribute, Graph, Model } from './model.ts';
import { isGraph, isTensor, nodeLabel, subgraphsOf } from './node.ts';
import { sortedNodes } from './sort.ts';
import type { Tensor } from './tensor.ts';

/** The newest standard operator set that ONNX Runtime 1.30 loads. */
export const MAX_OPSET = 26;
/** The oldest opset with today's broadcasting rules. */
export const MIN_OPSET = 7;

const KNOWN_DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx.ml', 'com.microsoft']);

/**
 * Checks a model as a whole: opsets, operator domains, names, cycles, NaN weights.
 *
 * @returns the model with its nodes in topological order
 * @throws OnnxError that names the node, tensor or value
 */
export function validateModel(model: Model): Model {
  checkOpsets(model);
  checkInputs(model.graph);
  checkNodes(model.graph, model.opsets);
  return { ...model, graph: checkedGraph(model.graph, []) };
}

function checkOpsets({ opsets }: Model): void {
  const opset = opsets.get('');
  if (opset === undefined) {
    throw new OnnxError(
      'onnx/no-opset',
      'the file does not say which operator set it uses (opset_import); export it again',
    );
  }
  if (opset > MAX_OPSET) {
    throw new OnnxError(
      'onnx/opset-too-new',
      `the model uses opset ${opset}, and this ONNX Runtime supports up to ${MAX_OPSET}; export it ` +
        `with opset_version=${MAX_OPSET} or less`,
    );
  }
  if (opset < MIN_OPSET) {
    throw new OnnxError(
      'onnx/opset-too-old',
      `the model uses opset ${opset}, and ${MIN_OPSET} is the oldest supported; convert it with ` +
        'onnx.version_converter.convert_version(model, 13)',
    );
  }
}

function checkInputs({ inputs }: Graph): void {
  for (const { name, type } of inputs) {
    if (type !== undefined) continue;
    throw new OnnxError(
      'onnx/tensor-type',
      `the graph input ${quoted(name)} has no type; export the model again`,
    );
  }
}

function checkNodes(graph: Graph, opsets: ReadonlyMap<string, number>): void {
  for (const [name, tensor] of graph.initializers) checkNan(`the tensor ${quoted(name)}`, tensor);
  for (const node of graph.nodes) {
    if (!KNOWN_DOMAINS.has(node.domain)) {
      throw new OnnxError(
        'onnx/unknown-domain',
        `${nodeLabel(node)} is of the operator domain ${quoted(node.domain)}, which is not ` +
          'standard; export the model with standard operators only',
      );
    }
    if (!opsets.has(node.domain)) {
      throw new OnnxError(
        'onnx/no-opset',
        `${nodeLabel(node)} is of the domain ${quoted(node.domain)}, for which the file imports ` +
          'no opset; export it again',
      );
    }
    for (const [name, value] of Object.entries(node.attributes)) {
      if (isTensor(value)) checkNan(`the attribute ${quoted(name)} of ${nodeLabel(node)}`, value);
    }
    for (const subgraph of subgraphsOf(node)) checkNodes(subgraph, opsets);
  }
}

/** Infinities are allowed: attention masks use them. */
function checkNan(where: string, tensor: Tensor): void {
  const index = indexOfNan(tensor);
  if (index < 0) return;
  throw new OnnxError(
    'onnx/tensor-nan',
    `${where} has a NaN at element ${index} of ${tensor.data.length}; a network with NaN weights ` +
      'computes nothing: get an intact copy of the model',
  );
}

function indexOfNan({ type, data }: Tensor): number {
  switch (type) {
    case 'float32':
    case 'float64':
      // A loop: findIndex takes three times as long, and this visits every weight.
      for (let i = 0; i < data.length; i++) if (Number.isNaN(data[i])) return i;
      return -1;
    case 'float16':
      return data.findIndex((bits) => (bits & 0x7fff) > 0x7c00);
    case 'bfloat16':
      return data.findIndex((bits) => (bits & 0x7fff) > 0x7f80);
    default:
      return -1;
  }
}

/** Checks the names of a graph and sorts its nodes. `outer` holds its outer scopes, innermost last. */
function checkedGraph(graph: Graph, outer: readonly ReadonlySet<string>[]): Graph {
  const names = namesOf(graph);
  const scopes = [...outer, names];
  const visible = (name: string) => scopes.some((scope) => scope.has(name));
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (input === '' || visible(input)) continue;
      throw new OnnxError(
        'onnx/dangling-name',
        `${nodeLabel(node)} takes ${quoted(input)}, which nothing produces; the file is ` +
          'incomplete: export it again',
      );
    }
  }
  for (const { name } of graph.outputs) {
    if (visible(name)) continue;
    throw new OnnxError(
      'onnx/dangling-name',
      `the graph output ${quoted(name)} is produced by nothing; the file is incomplete: export it ` +
        'again',
    );
  }
  const nodes = graph.nodes.map((node) => {
    const attributes = Object.entries(node.attributes);
    if (!attributes.some(([, value]) => isGraph(value))) return node;
    const checked = attributes.map(([key, value]): [string, Attribute] => [
      key,
      isGraph(value) ? checkedGraph(value, scopes) : value,
    ]);
    return { ...node, attributes: Object.fromEntries(checked) };
  });
  return { ...graph, nodes: sortedNodes(nodes) };
}

/** All value names that a graph defines; each must be unique. */
function namesOf(graph: Graph): ReadonlySet<string> {
  const names = new Set<string>();
  const add = (name: string, what: string) => {
    if (name === '') {
      throw new OnnxError('onnx/dangling-name', `${what} has no name; export the model again`);
    }
    if (names.has(name)) {
      throw new OnnxError(
        'onnx/duplicate-name',
        `${what} gives the name ${quoted(name)} to a second value; do not trust the file: export ` +
          'it again from the source',
      );
    }
    names.add(name);
  };
  for (const { name } of graph.inputs) add(name, 'a graph input');
  for (const name of graph.initializers.keys()) add(name, 'an initializer');
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== '') add(output, nodeLabel(node));
  }
  const outputs = new Set<string>();
  for (const { name } of graph.outputs) {
    if (outputs.has(name)) {
      throw new OnnxError(
        'onnx/duplicate-name',
        `two graph outputs are named ${quoted(name)}; export the model again`,
      );
    }
    outputs.add(name);
  }
  return names;
}
