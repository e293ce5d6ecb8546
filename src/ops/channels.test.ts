import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sizeOf, type Attributes, type Node } from '../onnx/index.ts';
import { channelsAt } from './channel-rule.ts';
import { channelRuleOf } from './channels.ts';
import { throughReshape } from './shape.ts';

/** All ways to write a number as a product, in order. */
const splits = (size: number, rank: number): number[][] =>
  rank === 1
    ? [[size]]
    : Array.from({ length: size }, (_, i) => i + 1)
        .filter((factor) => size % factor === 0)
        .flatMap((factor) => splits(size / factor, rank - 1).map((rest) => [factor, ...rest]));

/** The index along one axis of the element at `index`. */
const along = (dims: readonly number[], axis: number, index: number) =>
  Math.floor(index / sizeOf(dims.slice(axis + 1))) % (dims[axis] as number);

const node = (op: string, inputs: readonly string[], attributes: Attributes = {}): Node => ({
  op,
  domain: '',
  name: op,
  inputs,
  outputs: ['y'],
  attributes,
});

describe('through a reshape', () => {
  test.each([
    ['Flatten', [2, 3, 2, 2], [2, 12], 1, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]],
    ['places merged', [2, 3, 2, 2], [2, 3, 4], 1, [0, 1, 2]],
    ['ones dropped', [2, 3, 1, 1], [2, 3], 1, [0, 1, 2]],
    ['ones put in', [2, 3], [2, 3, 1, 1], 1, [0, 1, 2]],
  ])('%s', (_, from, to, axis, unit) => {
    const mapped = throughReshape(channelsAt(1, 3), from, to);
    expect(mapped && [mapped.axis, [...mapped.unit]]).toEqual([axis, unit]);
  });

  test('channels last become columns that take turns', () => {
    const mapped = throughReshape(channelsAt(3, 3), [2, 2, 2, 3], [2, 12]);
    expect(mapped?.axis).toBe(1);
    expect([...(mapped?.unit ?? [])]).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });

  test('a lone unit does not take the batch for its channel', () => {
    const mapped = throughReshape(channelsAt(1, 1), [2, 1, 3], [2, 3]);
    expect(mapped?.axis).toBe(1);
    expect([...(mapped?.unit ?? [])]).toEqual([0, 0, 0]);
    expect(throughReshape(channelsAt(1, 2), [2, 2, 3], [4, 3])).toBeUndefined();
  });

  test('every element keeps its unit, wherever it is said to be', () => {
    const cases = fc
      .tuple(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { size: 'small', minLength: 1, maxLength: 3 }),
      )
      .chain(([batch, rest]) => {
        const from = [batch, ...rest];
        const to = fc
          .integer({ min: 1, max: 4 })
          .chain((rank) => fc.constantFrom(...splits(sizeOf(from), rank)));
        return fc.tuple(fc.constant(from), to, fc.integer({ min: 1, max: rest.length }));
      });
    fc.assert(
      fc.property(cases, ([from, to, axis]) => {
        const mapped = throughReshape(channelsAt(axis, from[axis] as number), from, to);
        if (!mapped) return;
        expect(mapped.axis).toBeGreaterThan(0);
        expect(mapped.unit).toHaveLength(to[mapped.axis] as number);
        for (let index = 0; index < sizeOf(from); index += 1) {
          expect(mapped.unit[along(to, mapped.axis, index)]).toBe(along(from, axis, index));
        }
      }),
    );
  });
});

describe('an operator that mixes units where no slice cuts one off', () => {
  const dims: Readonly<Record<string, readonly number[]>> = {
    x: [2, 4, 6, 6],
    w: [6, 2, 3, 3],
    rows: [2, 4],
    m: [4, 3],
    y: [2, 6, 4, 4],
  };
  const dimsOf = (name: string) => dims[name] ?? [];

  test.each([
    ['a grouped Conv', node('Conv', ['x', 'w'], { group: 2 }), 0, 1],
    ['units that are weights', node('Conv', ['x', 'w']), 1, 1],
    ['a Conv along the channels', node('Conv', ['x', 'w']), 0, 2],
    ['a pool over the channels', node('MaxPool', ['x']), 0, 2],
    ['units in rows', node('Gemm', ['rows', 'm'], { transA: 1 }), 0, 1],
    ['units that are not summed over', node('MatMul', ['x', 'm']), 0, 1],
    ['a Concat along another axis', node('Concat', ['x', 'x'], { axis: 2 }), 0, 1],
    ['an operator of another house', { ...node('Relu', ['x']), domain: 'com.example' }, 0, 1],
    ['an operator nobody knows', node('Softmax', ['x']), 0, 1],
  ])('is refused: %s', (_, made, index, axis) => {
    const passage = channelRuleOf(made).passage(made, index, channelsAt(axis, 4), dimsOf);
    expect(passage).toMatchObject({ kind: 'opaque', why: expect.stringMatching(/\w+/) as unknown });
  });
});
