import {
  type Attribute,
  type DataType,
  type Graph,
  isConstant,
  type Model,
  type Node,
} from '../onnx/index.ts';
import { constantOf } from './normalize/constant.ts';
import { displayName, NormalizeError } from './normalize/error.ts';
import { convertToFloat32 } from './normalize/floats.ts';
import { contextOf, type Names, type Scope, scopeOf } from './normalize/scope.ts';
import { nextRule, ruleName, versionAfter } from './normalize/table.ts';
import { OPSET } from './opset.ts';

export { NormalizeError, type NormalizeErrorCode } from './normalize/error.ts';
export { ruleName, rules } from './normalize/table.ts';

/** The oldest and the newest opset that a model may be written in. */
const OLDEST = 7;
const NEWEST = 26;

export interface NormalizeOptions {
  /** What becomes of float64 values: worked on as float32 (default), or kept. */
  readonly float64?: 'convert' | 'keep' | undefined;
  /** The opset to bring the graph to; that of working graphs unless said. */
  readonly opset?: number | undefined;
}

/** One thing that normalization did to a graph. */
export interface Change {
  /** The node's name, or that of its first output where it has none; or the converted value. */
  readonly node: string;
  /** The rule, such as "Clip before 11". */
  readonly rule: string;
  readonly detail: string;
}

export interface Normalized {
  readonly graph: Graph;
  /** Operator set version by domain, for running the graph. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly changes: readonly Change[];
  /** The type that initializers, inputs and outputs had before they were converted to float32. */
  readonly types: ReadonlyMap<string, DataType>;
}

/**
 * The same graph in the canonical opset, working in float32: inputs, outputs, initializers and values
 * keep their names, and Constant nodes become initializers. Operators of other domains stay as they
 * are. The model is not changed; tensors that need no conversion are shared with it.
 *
 * @throws NormalizeError 'graph/opset' where the model's opset is not one of 7 to 26, 'graph/too-new'
 *   and 'graph/no-equivalent' where a node cannot be said in the canonical opset
 */
export function normalize(model: Model, options: NormalizeOptions = {}): Normalized {
  const to = options.opset ?? OPSET;
  const from = model.opsets.get('');
  if (from === undefined || from < OLDEST || from > NEWEST) {
    throw new NormalizeError(
      'graph/opset',
      `the model uses opset ${from ?? '(none said)'} of the standard operators, and opsets ${OLDEST} ` +
        `to ${NEWEST} can be worked on; export it again with opset_version=${to}`,
    );
  }
  const keep = options.float64 === 'keep';
  const { graph, types } = convertToFloat32(
    model.graph,
    keep ? ['float16', 'bfloat16'] : ['float16', 'bfloat16', 'float64'],
  );
  const changes: Change[] = [...types].map(([node, type]) => ({
    node,
    rule: 'precision',
    detail: `${type} is worked on as float32`,
  }));
  const names = namesOf(graph);
  const pass: Pass = { from, to, names, changes };
  return {
    graph: convertToOpset(graph, pass),
    opsets: new Map([...model.opsets, ['', to]]),
    changes,
    types,
  };
}

interface Pass {
  readonly from: number;
  readonly to: number;
  readonly names: Names;
  readonly changes: Change[];
}

function convertToOpset(graph: Graph, pass: Pass, outer?: Scope): Graph {
  const scope = scopeOf(graph, pass.names, outer);
  for (const node of graph.nodes) {
    if (isConstant(node)) {
      scope.initializers.set(node.outputs[0] as string, constantOf(node));
      pass.changes.push({
        node: displayName(node),
        rule: 'Constant',
        detail: 'became an initializer',
      });
    } else rewrite(node, pass.from, scope, pass);
  }
  return { ...graph, nodes: scope.nodes, initializers: scope.initializers };
}

/** Takes a node in the form of the opset `version` through the rules that lie on its way. */
function rewrite(node: Node, version: number, scope: Scope, pass: Pass): void {
  const rule = node.domain === '' ? nextRule(node.op, version, pass.to) : undefined;
  if (!rule) {
    scope.add(convertSubgraphs(node, scope, pass));
    return;
  }
  const emitted: Node[] = [];
  rule.rewrite(node, contextOf(node, scope, pass.names, emitted));
  if (emitted.length > 0) {
    pass.changes.push({ node: displayName(node), rule: ruleName(rule), detail: rule.summary });
  }
  for (const next of emitted.length > 0 ? emitted : [node]) {
    rewrite(next, versionAfter(rule), scope, pass);
  }
}

/** The node with the graphs in its attributes, bodies of If, Loop and Scan, in the opset too. */
function convertSubgraphs(node: Node, scope: Scope, pass: Pass): Node {
  const attributes = Object.entries(node.attributes);
  if (!attributes.some(([, value]) => isGraph(value))) return node;
  const done = attributes.map(([key, value]) => [
    key,
    isGraph(value) ? convertToOpset(value, pass, scope) : value,
  ]);
  return { ...node, attributes: Object.fromEntries(done) as Node['attributes'] };
}

function isGraph(value: Attribute): value is Graph {
  return typeof value === 'object' && 'nodes' in value;
}

function namesOf(graph: Graph): Names {
  const taken = new Set<string>();
  const read = new Set<string>();
  let doubles = false;
  const visit = ({ inputs, outputs, nodes, initializers }: Graph) => {
    for (const { name, type } of inputs) {
      taken.add(name);
      doubles ||= type === 'float64';
    }
    for (const { name, type } of outputs) {
      read.add(name);
      doubles ||= type === 'float64';
    }
    for (const [name, { type }] of initializers) {
      taken.add(name);
      doubles ||= type === 'float64';
    }
    for (const node of nodes) {
      taken.add(node.name);
      for (const input of node.inputs) read.add(input);
      for (const output of node.outputs) taken.add(output);
      doubles ||= node.attributes['to'] === 11;
      for (const value of Object.values(node.attributes)) {
        if (isGraph(value)) visit(value);
        else if (typeof value === 'object' && 'dims' in value) doubles ||= value.type === 'float64';
      }
    }
  };
  visit(graph);
  let count = 0;
  return {
    doubles,
    used: (value) => read.has(value),
    fresh(stem) {
      let name = stem;
      while (taken.has(name)) name = `${stem}.${++count}`;
      taken.add(name);
      return name;
    },
  };
}
