import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testRuntime } from '../../test/helpers/gradcheck.ts';
import { Builder, OPSET, type Traced } from '../graph/index.ts';
import { float32, int64, type Tensor } from '../onnx/index.ts';
import { trace } from '../runtime/index.ts';
import { appendGradients } from './gradients.ts';
import { trainable } from './trainable.ts';

const square = (value: number): Tensor => float32([2, 2], [value, 1, 0, value]);

async function traced(
  inputs: Readonly<Record<string, Tensor>>,
  build: (b: Builder) => string,
): Promise<{ traced: Traced; loss: string }> {
  const b = new Builder();
  for (const [name, { type, dims }] of Object.entries(inputs)) b.input(name, type, dims);
  const loss = b.op('ReduceSum', [build(b)], { keepdims: 0 });
  const graph = b.build([{ name: loss }]);
  return { traced: await trace(await testRuntime(), graph, OPSET, inputs), loss };
}

async function judge(
  inputs: Readonly<Record<string, Tensor>>,
  build: (b: Builder) => string,
  parameters = Object.keys(inputs),
) {
  const made = await traced(inputs, build);
  return trainable(made.traced, made.loss, parameters);
}

const three = { a: square(2), b: square(3), c: square(4) };

test('all parameters are trainable where every operator has a gradient', async () => {
  const verdict = await judge(three, (b) => b.op('Sum', [b.op('MatMul', ['a', 'b']), 'c']));
  expect(verdict).toEqual({ trainable: ['a', 'b', 'c'], blocked: [] });
});

test('an operator without a gradient blocks the parameters before it, with its name and the reason', async () => {
  const { trainable: left, blocked } = await judge(three, (b) =>
    b.op('Mul', ['c', b.op('Det', [b.op('MatMul', ['a', 'b'])], {}, 'the determinant')]),
  );
  expect(left).toEqual(['c']);
  expect(blocked.map(({ parameter }) => parameter)).toEqual(['a', 'b']);
  for (const { node, op, why } of blocked) {
    expect({ node, op }).toEqual({ node: 'the determinant', op: 'Det' });
    expect(why).toMatch(/inverse matrix/);
  }
});

test('a parameter with one blocked path of two is blocked: half a gradient is wrong', async () => {
  const { trainable: left, blocked } = await judge(three, (b) =>
    b.op('Sum', ['a', b.op('Det', [b.op('Mul', ['a', 'b'])]), 'c']),
  );
  expect(left).toEqual(['c']);
  expect(blocked.map(({ parameter }) => parameter)).toEqual(['a', 'b']);
});

test('every blocking node is named', async () => {
  const { blocked } = await judge(three, (b) => {
    const first = b.op('Det', ['a'], {}, 'first');
    return b.op('Mul', [b.op('Det', [b.op('Mul', ['b', first])], {}, 'second'), 'c']);
  });
  expect(blocked.map(({ parameter, node }) => `${parameter} ${node}`).sort()).toEqual([
    'a first',
    'a second',
    'b second',
  ]);
});

test('a node that its rule refuses for its attributes blocks too', async () => {
  const image = float32(
    [1, 1, 4, 4],
    Array.from({ length: 16 }, (_, index) => index),
  );
  const { trainable: left, blocked } = await judge({ a: image, b: image }, (b) => {
    const sizes = b.constant(int64([4], [1, 1, 2, 2]));
    const none = b.constant(float32([0], []));
    const attributes = { antialias: 1, mode: 'linear' };
    const small = b.op('Resize', ['a', none, none, sizes], attributes, 'shrunk');
    return b.op('Mul', [b.op('ReduceSum', [small]), 'b']);
  });
  expect(left).toEqual(['b']);
  expect(blocked).toHaveLength(1);
  expect(blocked[0]).toMatchObject({ parameter: 'a', node: 'shrunk', op: 'Resize' });
  expect(blocked[0]?.why).toMatch(/^fineprune does not differentiate antialias$/);
});

test('parameters read through integers, steps or not at all are reported, and block nothing else', async () => {
  const { trainable: left, blocked } = await judge({ ...three, d: square(5) }, (b) => {
    const counted = b.op('Cast', [b.op('Cast', [b.op('Det', ['a'])], { to: 7 })], { to: 1 });
    return b.op('Sum', [b.op('Floor', ['b']), b.op('Mul', [counted, 'c'])]);
  });
  expect(left).toEqual(['c']);
  expect(blocked.map(({ parameter, node, op }) => [parameter, node, op])).toEqual([
    ['a', '', ''],
    ['b', '', ''],
    ['d', '', ''],
  ]);
});

test('an operator without a gradient behind a step function blocks nothing: no gradient reaches it', async () => {
  const verdict = await judge(three, (b) =>
    b.op('Sum', ['c', b.op('Det', [b.op('Add', [b.op('Floor', ['a']), b.op('Ceil', ['b'])])])]),
  );
  expect(verdict.trainable).toEqual(['c']);
  expect(verdict.blocked.map(({ op }) => op)).toEqual(['', '']);
});

describe('any graph', () => {
  const NAMES = ['p0', 'p1', 'p2', 'p3'];
  // Each node is an operator and two values made before it; Det (none) and Floor (flat) among them.
  const node = fc.tuple(fc.constantFrom('Add', 'Mul', 'Det', 'Floor'), fc.nat(), fc.nat());

  test('each parameter is in one list, and the trainable ones can be differentiated', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(node, { minLength: 1, maxLength: 12 }), async (nodes) => {
        const inputs = Object.fromEntries(NAMES.map((name, index) => [name, square(index + 1)]));
        const made = await traced(inputs, (b) => {
          const values = [...NAMES];
          for (const [op, first, second] of nodes) {
            const x = values[first % values.length] as string;
            const y = values[second % values.length] as string;
            // A determinant is spread over a matrix again.
            if (op === 'Det') values.push(b.op('Mul', [b.op('Det', [x]), y]));
            else values.push(b.op(op, op === 'Floor' ? [x] : [x, y]));
          }
          return values.at(-1) as string;
        });
        const { trainable: left, blocked } = trainable(made.traced, made.loss, NAMES);
        const cut = new Set(blocked.map(({ parameter }) => parameter));
        expect([...left, ...cut].sort()).toEqual(NAMES);
        const differentiate = (parameters: readonly string[]) =>
          appendGradients(new Builder(made.traced.graph), made.traced, made.loss, parameters);
        if (left.length > 0) expect([...differentiate(left).keys()]).toEqual(left);
        for (const parameter of cut) expect(() => differentiate([parameter])).toThrow(parameter);
      }),
      { numRuns: 60 },
    );
  });
});
