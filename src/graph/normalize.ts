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
  /** Whether float64 values become float32 (default) or stay. */
  readonly float64?: 'convert' | 'keep' | undefined;
  /** The target opset; default: the opset of working graphs, `OPSET`. */
  readonly opset?: number | undefined;
}

/** One change that normalization made. */
export interface Change {
  /** Name of the node, or of its first output where it has none, or of the converted value. */
  readonly node: string;
  /** Name of the rule, for example "Clip before 11". */
  readonly rule: string;
  readonly detail: string;
}

export interface Normalized {
  readonly graph: Graph;
  /** Operator set version by domain, for running the graph. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly changes: readonly Change[];
  /** The original type of the initializers, inputs and outputs that became float32. */
  readonly types: ReadonlyMap<string, DataType>;
}

/**
 * Converts a graph to the canonical opset and to float32. Inputs, outputs, initializers and values keep
 * their names; Constant nodes become initializers; operators of other domains do not change. The model does
 * not change, and shares the tensors that need no conversion.
 *
 * @throws NormalizeError 'graph/opset' where the model's opset is not in 7 to 26; 'graph/too-new' and
 *   'graph/no-equivalent' where a node has no equivalent in the canonical opset; 'graph/malformed'
 */
export function normalize(model: Model, options: NormalizeOptions = {}): Normalized {
  const to = options.opset ?? OPSET;
  const from = model.opsets.get('');
  if (from === undefined || from < OLDEST || from > NEWEST) {
    throw new NormalizeError(
      'graph/opset',
      `the model uses opset ${from ?? '(none)'} of the standard operators, and opsets ${OLDEST} ` +
        `to ${NEWEST} are supported; export it again with opset_version=${to}`,
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
    detail: `${type} is converted to float32`,
  }));
  const names = namesOf(graph);
  const run: Normalization = { from, to, names, changes };
  return {
    graph: convertToOpset(graph, run),
    opsets: new Map([...model.opsets, ['', to]]),
    changes,
    types,
  };
}

interface Normalization {
  readonly from: number;
  readonly to: number;
  readonly names: Names;
  readonly changes: Change[];
}

function convertToOpset(graph: Graph, run: Normalization, outer?: Scope): Graph {
  const scope = scopeOf(graph, run.names, outer);
  for (const node of graph.nodes) {
    if (isConstant(node)) {
      scope.initializers.set(node.outputs[0] as string, constantOf(node));
      run.changes.push({
        node: displayName(node),
        rule: 'Constant',
        detail: 'became an initializer',
      });
    } else rewrite(node, run.from, scope, run);
  }
  return { ...graph, nodes: scope.nodes, initializers: scope.initializers };
}

/** Applies all rules that take a node from the opset `version` to the target opset. */
function rewrite(node: Node, version: number, scope: Scope, run: Normalization): void {
  const rule = node.domain === '' ? nextRule(node.op, version, run.to) : undefined;
  if (!rule) {
    scope.add(convertSubgraphs(node, scope, run));
    return;
  }
  const emitted: Node[] = [];
  rule.rewrite(node, contextOf(node, scope, run.names, emitted));
  if (emitted.length > 0) {
    run.changes.push({ node: displayName(node), rule: ruleName(rule), detail: rule.summary });
  }
  for (const next of emitted.length > 0 ? emitted : [node]) {
    rewrite(next, versionAfter(rule), scope, run);
  }
}

/** Converts the subgraphs of a node too: the bodies of If, Loop and Scan. */
function convertSubgraphs(node: Node, scope: Scope, run: Normalization): Node {
  const attributes = Object.entries(node.attributes);
  if (!attributes.some(([, value]) => isGraph(value))) return node;
  const done = attributes.map(([key, value]) => [
    key,
    isGraph(value) ? convertToOpset(value, run, scope) : value,
  ]);
  return { ...node, attributes: Object.fromEntries(done) as Node['attributes'] };
}

function isGraph(value: Attribute): value is Graph {
  return typeof value === 'object' && 'nodes' in value;
}

function namesOf(graph: Graph): Names {
  const taken = new Set<string>();
  const read = new Set<string>();
  let hasFloat64 = false;
  const visit = ({ inputs, outputs, nodes, initializers }: Graph) => {
    for (const { name, type } of inputs) {
      taken.add(name);
      hasFloat64 ||= type === 'float64';
    }
    for (const { name, type } of outputs) {
      read.add(name);
      hasFloat64 ||= type === 'float64';
    }
    for (const [name, { type }] of initializers) {
      taken.add(name);
      hasFloat64 ||= type === 'float64';
    }
    for (const node of nodes) {
      taken.add(node.name);
      for (const input of node.inputs) read.add(input);
      for (const output of node.outputs) taken.add(output);
      hasFloat64 ||= node.attributes['to'] === 11;
      for (const value of Object.values(node.attributes)) {
        if (isGraph(value)) visit(value);
        else if (typeof value === 'object' && 'dims' in value)
          hasFloat64 ||= value.type === 'float64';
      }
    }
  };
  visit(graph);
  let count = 0;
  return {
    hasFloat64,
    isUsed: (value) => read.has(value),
    fresh(stem) {
      let name = stem;
      while (taken.has(name)) name = `${stem}.${++count}`;
      taken.add(name);
      return name;
    },
  };
}
