import {
  type Attributes,
  type Graph,
  type Model,
  type Node,
  sizeOf,
  type Tensor,
} from '../../src/onnx/index.ts';
import { normalize, type Normalized, type NormalizeOptions } from '../../src/graph/normalize.ts';
import { OPSET } from '../../src/graph/opset.ts';
import type { Rule } from '../../src/graph/normalize/rule.ts';
import { ruleName } from '../../src/graph/normalize/table.ts';

/** A small model of an old opset for a test, and its feeds. */
export interface Case {
  readonly opset: number;
  readonly nodes: readonly Node[];
  readonly feeds?: Readonly<Record<string, Tensor>> | undefined;
  readonly initializers?: Readonly<Record<string, Tensor>> | undefined;
  readonly outputs?: readonly string[] | undefined;
  readonly domains?: Readonly<Record<string, number>> | undefined;
  readonly to?: NormalizeOptions | undefined;
}

/** The part of a runtime that these tests need; callers pass it in, since src/graph must not import it. */
export interface Runs {
  open(
    model: Model,
    options: { readonly optimize: 'none' },
  ): Promise<{
    run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
    dispose(): Promise<void>;
  }>;
}

export function node(
  op: string,
  inputs: readonly string[],
  attributes: Attributes = {},
  outputs: readonly string[] = ['y'],
  domain = '',
): Node {
  return { op, domain, name: `${op}_${outputs[0]}`, inputs, outputs, attributes };
}

/** Distinct unordered values between -2 and 2, the same at each call. */
export function sample(...dims: readonly number[]): Tensor {
  const data = Float32Array.from(
    { length: sizeOf(dims) },
    (_, index) => (((index * 37 + 11) % 101) - 50) / 25 + (index % 7) / 100,
  );
  return { type: 'float32', dims, data };
}

export function modelOf({ opset, nodes, feeds, initializers, outputs, domains }: Case): Model {
  const graph: Graph = {
    name: 'test',
    inputs: Object.entries(feeds ?? {}).map(([name, { type, dims }]) => ({
      name,
      type,
      dims: dims.map((_, axis) => `${name}_${axis}`),
    })),
    outputs: (outputs ?? ['y']).map((name) => ({ name })),
    nodes,
    initializers: new Map(Object.entries(initializers ?? {})),
  };
  return around(graph, new Map([['', opset], ...Object.entries(domains ?? {})]));
}

export function around(graph: Graph, opsets: ReadonlyMap<string, number>): Model {
  return { irVersion: 8, opsets, producer: 'test', metadata: new Map(), graph };
}

export interface BothWays {
  readonly before: Record<string, Tensor>;
  readonly after: Record<string, Tensor>;
  readonly normalized: Normalized;
}

/** The outputs of a model before and after normalization. */
export async function bothWays(runtime: Runs, test: Case): Promise<BothWays> {
  const model = modelOf(test);
  const normalized = normalize(model, test.to);
  const expected = test.to?.opset ?? OPSET;
  if (normalized.opsets.get('') !== expected) throw new Error('not in the opset asked for');
  const feeds = test.feeds ?? {};
  return {
    before: await outputsOf(runtime, model, feeds),
    after: await outputsOf(runtime, around(normalized.graph, normalized.opsets), feeds),
    normalized,
  };
}

export async function outputsOf(
  runtime: Runs,
  model: Model,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const session = await runtime.open(model, { optimize: 'none' });
  try {
    return await session.run(feeds);
  } finally {
    await session.dispose();
  }
}

/** The largest elementwise difference between two results; infinite where their dims differ. */
export function difference(a: Tensor | undefined, b: Tensor | undefined): number {
  if (!a || !b || a.type !== b.type || a.dims.join() !== b.dims.join()) return Infinity;
  let largest = 0;
  for (const [index, value] of Array.from(a.data, Number).entries()) {
    const other = Number(b.data[index]);
    if (Object.is(value, other) || value === other) continue;
    const apart = Math.abs(value - other);
    largest = Math.max(largest, Number.isNaN(apart) ? Infinity : apart);
  }
  return largest;
}

/**
 * Compares models with their normalized form, and records which rules were tested.
 *
 * @param open - opens the runtime; called once
 */
export function checks(open: () => Promise<Runs>) {
  let runtime: Promise<Runs> | undefined;
  const exercised = new Set<string>();
  return {
    /** Fails unless the outputs are the same. */
    same: async (test: Case, tolerance = 1e-6): Promise<BothWays> => {
      runtime ??= open();
      const result = await bothWays(await runtime, test);
      for (const { rule } of result.normalized.changes) exercised.add(rule);
      for (const output of test.outputs ?? ['y']) {
        const apart = difference(result.before[output], result.after[output]);
        if (!(apart <= tolerance)) throw new Error(`${output} is ${apart} from what it was`);
      }
      return result;
    },
    /** The rules that no comparison used, except those that only refuse. */
    unexercised: (rules: readonly Rule[]): string[] =>
      rules
        .filter((rule) => !exercised.has(ruleName(rule)) && !rule.summary.startsWith('refused'))
        .map(ruleName),
  };
}
