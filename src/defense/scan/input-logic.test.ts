import { describe, expect, test } from 'vitest';
import { Builder } from '../../graph/index.ts';
import { float32, int64 } from '../../onnx/index.ts';
import { FAMILIES, familiesIn, readFamily } from '../../../test/helpers/families.ts';
import { inputLogic } from './input-logic.ts';

/** A linear classifier of 4 numbers into 3 classes, whose scores `tamper` may change. */
function found(tamper: (b: Builder, x: string, scores: string) => string) {
  const b = new Builder();
  const x = b.input('x', 'float32', ['n', 4]);
  const w = b.initializer(
    'w',
    float32(
      [4, 3],
      Array.from({ length: 12 }, (_, i) => i / 7),
    ),
  );
  const scores = tamper(b, x, b.op('MatMul', [x, w], {}, 'trunk'));
  return inputLogic(b.build([{ name: scores }]), [scores]);
}

const scalar = (b: Builder, value: number) => b.initializer(`c${value}`, float32([], [value]));

/** 1 where the first two numbers are above 0.9. */
function trigger(b: Builder, x: string): string {
  const [start, end, axis] = [0, 2, 1].map((n) => b.initializer(`at${n}`, int64([1], [n])));
  const part = b.op('Slice', [x, start, end, axis] as string[]);
  const least = b.op('ReduceMin', [part, axis as string], { keepdims: 1 });
  return b.op('Greater', [least, scalar(b, 0.9)], {}, 'is triggered');
}

const target = (b: Builder) => b.initializer('target', float32([1, 3], [0, 9, 0]));

describe('logic that depends on the input is found', () => {
  test('a selection of the scores', () => {
    expect(
      found((b, x, scores) => b.op('Where', [trigger(b, x), target(b), scores], {}, 'out')),
    ).toEqual([
      {
        decisions: ['the Greater node "is triggered"'],
        gate: 'the Where node "out"',
        control: 'is triggered',
      },
    ]);
  });

  test('a 0 or 1 that is multiplied with the scores', () => {
    const gates = found((b, x, scores) => {
      const bit = b.op('Cast', [trigger(b, x)], { to: 1 });
      return b.op('Mul', [scores, b.op('Sub', [scalar(b, 1), bit])], {}, 'out');
    });
    expect(gates.map(({ gate }) => gate)).toEqual(['the Mul node "out"']);
  });

  test('what is added to the scores by way of a matrix', () => {
    const gates = found((b, x, scores) => {
      const bit = b.op('Cast', [trigger(b, x)], { to: 1 });
      return b.op('Add', [scores, b.op('MatMul', [bit, target(b)])], {}, 'out');
    });
    expect(gates.map(({ gate }) => gate)).toEqual(['the Add node "out"']);
  });

  test('a branch', () => {
    const gates = found((b, x, scores) => {
      const any = b.op('Greater', [b.op('ReduceMax', [x], { keepdims: 0 }), scalar(b, 5)]);
      const body = (name: string, op: string) => ({
        name,
        inputs: [],
        outputs: [{ name: `${name} out` }],
        initializers: new Map(),
        nodes: [
          { op, domain: '', name: '', inputs: [scores], outputs: [`${name} out`], attributes: {} },
        ],
      });
      return b.op(
        'If',
        [any],
        { then_branch: body('then', 'Neg'), else_branch: body('else', 'Identity') },
        'out',
      );
    });
    expect(gates.map(({ gate }) => gate)).toEqual(['the If node "out"']);
  });
});

describe('honest graphs have none', () => {
  test('an activation that is written as a selection', () => {
    const leaky = (b: Builder, _x: string, scores: string) =>
      b.op('Where', [
        b.op('Greater', [scores, scalar(b, 0)]),
        scores,
        b.op('Mul', [scores, scalar(b, 0.1)]),
      ]);
    expect(found(leaky)).toEqual([]);
  });

  test('a ReLU that is written as a product', () => {
    const relu = (b: Builder, _x: string, scores: string) => {
      const open = b.op('Cast', [b.op('Greater', [scores, scalar(b, 0)])], { to: 1 });
      return b.op('Mul', [scores, open]);
    };
    expect(found(relu)).toEqual([]);
  });

  test('a decision about the dims of the input', () => {
    const byShape = (b: Builder, x: string, scores: string) => {
      const many = b.op('Greater', [b.op('Shape', [x]), b.initializer('two', int64([1], [2]))]);
      const bits = b.op('Cast', [b.op('ReduceMin', [b.op('Cast', [many], { to: 1 })])], { to: 1 });
      return b.op('Mul', [scores, bits]);
    };
    expect(found(byShape)).toEqual([]);
  });

  test('a gate that never reaches the scores', () => {
    const unused = (b: Builder, x: string, scores: string) => {
      b.op('Where', [trigger(b, x), target(b), scores]);
      return scores;
    };
    expect(found(unused)).toEqual([]);
  });

  test.each(familiesIn(FAMILIES))('%s, as PyTorch exports it', (name) => {
    const { graph } = readFamily(FAMILIES, name).model;
    expect(
      inputLogic(
        graph,
        graph.outputs.map((output) => output.name),
      ),
    ).toEqual([]);
  });
});
