import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Graph, Node } from '../onnx/index.ts';
import { everyPathCrosses, lastOf, valuesOnEveryPath } from './paths.ts';

const node = (op: string, inputs: readonly string[], outputs: readonly string[]): Node => ({
  op,
  domain: '',
  name: outputs[0] as string,
  inputs,
  outputs,
  attributes: {},
});

const graphOf = (inputs: number, nodes: readonly Node[]): Graph => ({
  name: 'random',
  inputs: Array.from({ length: inputs }, (_, i) => ({ name: `in${i}`, type: 'float32' })),
  outputs: [],
  nodes,
  initializers: new Map([['weight', { type: 'float32', dims: [1], data: Float32Array.of(1) }]]),
});

/** Acyclic graphs, with inputs, constants, nodes of one or two outputs, and nodes that read dims only. */
const graphs = fc
  .tuple(
    fc.integer({ min: 1, max: 3 }),
    fc.array(
      fc.record({
        reads: fc.array(fc.nat(), { minLength: 0, maxLength: 3 }),
        two: fc.boolean(),
        dims: fc.integer({ min: 0, max: 6 }),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  )
  .map(([inputs, plan]) => {
    const values = ['weight', ...Array.from({ length: inputs }, (_, i) => `in${i}`)];
    const nodes = plan.map(({ reads, two, dims }, index) => {
      // Late values are read more often, so that graphs are deep.
      const read = reads.map((at) => values[values.length - 1 - (at % Math.min(4, values.length))]);
      const made = two ? [`v${index}`, `w${index}`] : [`v${index}`];
      values.push(...made);
      return node(dims === 0 ? 'Shape' : 'Sum', read as string[], made);
    });
    return graphOf(inputs, nodes);
  });

/** Whether a path leads from an input to a value without any of some values: depth first, by definition. */
function leadsTo(graph: Graph, sink: string, without: ReadonlySet<string>): boolean {
  const reached = new Set<string>();
  const visit = (value: string) => {
    if (without.has(value) || reached.has(value)) return;
    reached.add(value);
    for (const { op, inputs, outputs } of graph.nodes) {
      if (op !== 'Shape' && inputs.includes(value)) outputs.forEach(visit);
    }
  };
  for (const { name } of graph.inputs) visit(name);
  return reached.has(sink);
}

const valuesOf = ({ inputs, nodes }: Graph) => [
  ...inputs.map(({ name }) => name),
  ...nodes.flatMap(({ outputs }) => outputs),
];

test('values on every path are those without which none is left', () => {
  fc.assert(
    fc.property(graphs, fc.nat(), (graph, at) => {
      const values = valuesOf(graph);
      const sink = values[values.length - 1 - (at % values.length)] as string;
      const due = leadsTo(graph, sink, new Set())
        ? values.filter((value) => !leadsTo(graph, sink, new Set([value])))
        : [];
      expect([...valuesOnEveryPath(graph, sink)].toSorted()).toEqual(due.toSorted());
    }),
    { numRuns: 2000 },
  );
});

test('values cross every path if none is left without them', () => {
  fc.assert(
    fc.property(graphs, fc.nat(), fc.array(fc.nat(), { maxLength: 4 }), (graph, at, picks) => {
      const values = valuesOf(graph);
      const sink = values[values.length - 1 - (at % values.length)] as string;
      const crossed = new Set(picks.map((pick) => values[pick % values.length] as string));
      expect(everyPathCrosses(graph, sink, crossed)).toBe(!leadsTo(graph, sink, crossed));
    }),
    { numRuns: 1000 },
  );
});

test('the last of some values are those that reach no other', () => {
  const graph = graphOf(1, [
    node('Relu', ['in0'], ['a']),
    node('Relu', ['a'], ['b']),
    node('Relu', ['a'], ['c']),
    node('Sum', ['b', 'weight'], ['d']),
  ]);
  expect([...lastOf(graph, new Set(['a', 'b', 'c']))]).toEqual(['b', 'c']);
  expect([...lastOf(graph, new Set(['a', 'b', 'd']))]).toEqual(['d']);
});

test('a chain of 100,000 nodes with side branches takes no stack, and time in proportion', () => {
  const nodes: Node[] = [];
  for (let i = 0; i < 50_000; i += 1) {
    const from = i === 0 ? 'in0' : `s${i - 1}`;
    nodes.push(node('Relu', [from], [`r${i}`]), node('Sum', [from, `r${i}`], [`s${i}`]));
  }
  const graph = graphOf(1, nodes);
  const found = valuesOnEveryPath(graph, 's49999');
  expect(found.size).toBe(50_001);
  expect(found.has('s123') && !found.has('r123')).toBe(true);
}, 60_000);
