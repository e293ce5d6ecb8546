import { describe, expect, test } from 'vitest';
import { gradcheck, modelOf, normal, offZero, testRuntime } from '../../test/helpers/gradcheck.ts';
import { Builder, OPSET } from '../graph/index.ts';
import { float32, int64, type Tensor } from '../onnx/index.ts';
import { trace } from '../runtime/index.ts';
import { AutodiffError } from './error.ts';
import { appendGradients } from './gradients.ts';

/** Runs the reverse pass of a small graph whose inputs are all float32. */
async function differentiate(
  inputs: Readonly<Record<string, Tensor>>,
  build: (b: Builder) => string,
  parameters: readonly string[] = Object.keys(inputs),
): Promise<{ gradients: Record<string, number[]>; ops: string[] }> {
  const runtime = await testRuntime();
  const forward = new Builder();
  for (const [name, { type, dims }] of Object.entries(inputs)) forward.input(name, type, dims);
  const loss = build(forward);
  const traced = await trace(runtime, forward.build([{ name: loss }]), OPSET, inputs);
  const b = new Builder(traced.graph);
  const names = appendGradients(b, traced, loss, parameters);
  const graph = b.build([...names.values()].map((name) => ({ name })));
  const session = await runtime.open(modelOf(graph));
  const results = await session.run(inputs);
  await session.dispose();
  const values = (name: string) => Array.from(results[name]?.data ?? [], Number);
  return {
    gradients: Object.fromEntries([...names].map(([input, name]) => [input, values(name)])),
    ops: graph.nodes.slice(traced.graph.nodes.length).map((node) => node.op),
  };
}

async function failure(attempt: Promise<unknown>): Promise<AutodiffError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AutodiffError);
  return error as AutodiffError;
}

const total = (b: Builder, x: string) => b.op('ReduceSum', [x], { keepdims: 0 });

describe('accumulation', () => {
  test('adds up the gradients of a value used twice', async () => {
    // L = Σ x² + Σ 3x: 2x + 3
    const { gradients } = await differentiate({ x: float32([3], [1, -2, 5]) }, (b) =>
      b.op('Add', [total(b, b.op('Mul', ['x', 'x'])), total(b, b.op('Mul', ['x', b.scalar(3)]))]),
    );
    expect(gradients['x']).toEqual([5, -1, 13]);
  });

  test('adds up the gradients of a value used many times, through a diamond', async () => {
    await gradcheck(
      {
        inputs: { x: offZero([4]) },
        build: (b, { x }) => {
          const shared = b.op('Mul', [x, x]);
          const arms = ['Neg', 'Relu', 'Identity'].map((op) => b.op(op, [shared]));
          return b.op('Sum', [...arms, shared, b.op('Mul', [arms[1] as string, shared])]);
        },
      },
      1e-7,
    );
  });

  test('counts both reads of a value by one node', async () => {
    const { gradients } = await differentiate({ x: float32([2], [3, 4]) }, (b) =>
      total(b, b.op('Sum', ['x', 'x', 'x'])),
    );
    expect(gradients['x']).toEqual([3, 3]);
  });
});

test('sums the gradient of a broadcast operand back to its dims', async () => {
  const { gradients } = await differentiate(
    { x: float32([2, 3], [1, 2, 3, 4, 5, 6]), row: float32([3], [0, 0, 0]), one: float32([], [2]) },
    (b) => total(b, b.op('Mul', [b.op('Add', ['x', 'row']), 'one'])),
  );
  expect(gradients).toEqual({ x: [2, 2, 2, 2, 2, 2], row: [4, 4, 4], one: [21] });
});

describe('nodes that the loss does not depend on', () => {
  test('branches that do not reach the loss add nothing, even with unsupported operators', async () => {
    const { gradients } = await differentiate({ x: float32([2], [1, 2]) }, (b) => {
      b.op('NonZero', [b.op('Mul', ['x', b.scalar(7)])]);
      return total(b, b.op('Mul', ['x', b.scalar(2)]));
    });
    expect(gradients['x']).toEqual([2, 2]);
  });

  test('no gradient is computed for values that are not parameters', async () => {
    const { ops } = await differentiate(
      { x: float32([2, 2], [2, 0, 0, 4]), w: float32([2, 2], [1, 0, 0, 1]) },
      (b) => total(b, b.op('MatMul', ['x', 'w'])),
      ['w'],
    );
    expect(ops.filter((op) => op === 'MatMul' || op === 'Gemm')).toEqual(['Gemm']);
  });

  test('an unsupported operator before all parameters blocks nothing', async () => {
    const { gradients } = await differentiate(
      { x: float32([2, 2], [2, 0, 0, 4]), w: float32([2], [3, 4]) },
      (b) => total(b, b.op('Mul', [b.op('Det', ['x']), 'w'])),
      ['w'],
    );
    expect(gradients['w']).toEqual([8, 8]);
  });
});

describe('integers and booleans', () => {
  test('Where chosen by a comparison passes the gradient to the branch taken', async () => {
    await gradcheck(
      {
        inputs: { x: offZero([3, 4]), y: normal([4], 2) },
        build: (b, { x, y }) =>
          b.op('Where', [b.op('Greater', [x, b.scalar(0, 'float64')]), b.op('Mul', [x, x]), y]),
      },
      1e-7,
    );
  });

  test('no gradient passes through an index', async () => {
    const { gradients } = await differentiate(
      { x: float32([3], [1, 9, 4]) },
      (b) => {
        const best = b.op('ArgMax', ['x'], { axis: 0, keepdims: 1 });
        const hot = b.op('OneHot', [
          best,
          b.constant(int64([], [3])),
          b.constant(float32([2], [0, 1])),
        ]);
        return total(b, b.op('Mul', ['x', hot]));
      },
      ['x'],
    );
    expect(gradients['x']).toEqual([0, 1, 0]);
  });
});

describe('operators whose gradient is zero', () => {
  test('add nothing and block nothing', async () => {
    const { gradients } = await differentiate({ x: float32([2], [1.3, 2.6]) }, (b) =>
      total(b, b.op('Sub', ['x', b.op('Floor', ['x'])])),
    );
    expect(gradients['x']).toEqual([1, 1]);
  });

  test('make a parameter unreachable that the loss reads only through them', async () => {
    const error = await failure(
      differentiate({ x: float32([2], [1.3, 2.6]) }, (b) => total(b, b.op('Floor', ['x']))),
    );
    expect(error.code).toBe('autodiff/unreachable');
  });

  test('an unsupported operator that is read only through integers blocks nothing', async () => {
    const { gradients } = await differentiate({ x: float32([2, 2], [1, 0, 0, 1]) }, (b) => {
      const index = b.op('Cast', [b.op('Det', ['x'])], { to: 7 });
      return total(b, b.op('Mul', ['x', b.op('Cast', [index], { to: 1 })]));
    });
    expect(gradients['x']).toEqual([1, 1, 1, 1]);
  });
});

describe('refusals', () => {
  test('name every blocking operator, the reason, and the parameters that it blocks', async () => {
    const error = await failure(
      differentiate(
        {
          a: float32([2, 2], [4, 1, 1, 3]),
          b: float32([2, 2], [1, 2, 3, 4]),
          c: float32([], [1]),
        },
        (tape) => {
          const det = tape.op('Det', [tape.op('Mul', ['a', 'b'])], {}, 'the determinant');
          const other = tape.op('Det', ['b'], {}, 'another');
          return tape.op('Mul', [tape.op('Add', [det, other]), 'c']);
        },
      ),
    );
    expect(error.code).toBe('autodiff/unsupported');
    expect(error.message).toMatch(/2 node/);
    expect(error.message).toMatch(/Det node "the determinant": .+; it blocks "a", "b"/);
    expect(error.message).toMatch(/Det node "another": .+; it blocks "b"\n/);
    expect(error.message).toMatch(/the rest, 1 of 3 parameters: "c"\./);
  });

  test('an operator of another domain', async () => {
    const runtime = await testRuntime();
    const forward = new Builder();
    forward.input('x', 'float32', [2]);
    const loss = total(forward, forward.op('Neg', ['x'], {}, 'negated'));
    const feeds = { x: float32([2], [1, 2]) };
    const traced = await trace(runtime, forward.build([{ name: loss }]), OPSET, feeds);
    const nodes = traced.graph.nodes.map((node) =>
      node.op === 'Neg' ? { ...node, domain: 'com.example' } : node,
    );
    const foreign = { ...traced, graph: { ...traced.graph, nodes } };
    expect(() => appendGradients(new Builder(foreign.graph), foreign, loss, ['x'])).toThrow(
      /Neg node "negated"/,
    );
  });

  test('a loss of several elements', async () => {
    const error = await failure(
      differentiate({ x: float32([2], [1, 2]) }, (b) => b.op('Neg', ['x'])),
    );
    expect(error.code).toBe('autodiff/not-scalar');
    expect(error.message).toMatch(/\[2\]/);
  });

  test('a loss that does not depend on a parameter', async () => {
    const error = await failure(
      differentiate({ x: float32([2], [1, 2]), unused: float32([2], [1, 2]) }, (b) =>
        total(b, b.op('Neg', ['x'])),
      ),
    );
    expect(error.code).toBe('autodiff/unreachable');
    expect(error.message).toMatch(/"unused"/);
  });

  test('a parameter that reaches the loss through integers only', async () => {
    const error = await failure(
      differentiate({ x: float32([2], [1, 2]), y: float32([2], [1, 2]) }, (b) => {
        const count = b.op('Cast', [b.op('Cast', ['x'], { to: 7 })], { to: 1 });
        return total(b, b.op('Mul', [count, 'y']));
      }),
    );
    expect(error.message).toMatch(/"x"/);
  });
});

test('a loss of dims [1, 1] and a parameter that is the loss are fine', async () => {
  const { gradients } = await differentiate({ x: float32([1, 1], [3]) }, (b) =>
    b.op('Mul', ['x', 'x']),
  );
  expect(gradients['x']).toEqual([6]);
});
