import { sizeOf, type Node } from '../onnx/index.ts';
import { floatOf, intOf } from '../graph/index.ts';
import { reshape, sumTo, transpose } from './emit.ts';
import { type Bounds, type BoundsAround, type BoundsRule, products } from './bounds.ts';
import { type ChannelRule, isGiven, opaque } from './channel-rule.ts';
import type { Operator } from './operator.ts';
import type { Tape } from './tape.ts';

/** x · W with a column of W, or a row where it is transposed, for each unit. */
function matrixBounds(
  node: Node,
  x: Bounds,
  { known }: BoundsAround,
  { rows, alpha, bias }: { rows: boolean; alpha: number; bias: (unit: number) => number },
): Bounds | undefined {
  const weights = known(node.inputs[1] as string);
  if (weights?.type !== 'float32' || weights.dims.length !== 2) return undefined;
  const [height, width] = weights.dims as [number, number];
  const data = rows ? weights.data : transposed(weights.data, width);
  const [units, count] = rows ? [height, width] : [width, height];
  return products({ data, units, first: () => 0, count, each: 1, alpha }, x, bias);
}

function transposed(data: Float32Array, width: number): Float32Array {
  const height = data.length / width;
  const turned = new Float32Array(data.length);
  for (let row = 0, at = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1, at += 1) {
      turned[column * height + row] = data[at] as number;
    }
  }
  return turned;
}

const gemmBounds: BoundsRule = (node, axis, around) => {
  const bias = isGiven(node, 2) ? around.known(node.inputs[2] as string) : undefined;
  if (axis !== 1 || intOf(node, 'transA', 0) !== 0) return undefined;
  if (isGiven(node, 2) && (!bias || sizeOf(bias.dims.slice(0, -1)) !== 1)) return undefined;
  const beta = floatOf(node, 'beta', 1);
  return matrixBounds(node, around.seen(0, 1), around, {
    rows: intOf(node, 'transB', 0) === 1,
    alpha: floatOf(node, 'alpha', 1),
    bias: (unit) => (bias ? beta * Number(bias.data[bias.data.length === 1 ? 0 : unit]) : 0),
  });
};

const matMulBounds: BoundsRule = (node, axis, around) => {
  const rank = around.dims(node.inputs[0] as string).length;
  if (axis !== around.dims(node.outputs[0] as string).length - 1) return undefined;
  return matrixBounds(node, around.seen(0, rank - 1), around, {
    rows: false,
    alpha: 1,
    bias: () => 0,
  });
};

const gemmChannels: ChannelRule = {
  about: 'summed by weights',
  passage: (node, index, channels) => {
    const transA = intOf(node, 'transA', 0);
    const transB = intOf(node, 'transB', 0);
    if (index !== 0 || transA !== 0 || channels.axis !== 1) {
      return opaque('Gemm has the units where its weights or rows are');
    }
    return {
      kind: 'mix',
      linear: true,
      weights: { input: 1, axis: transB ? 1 : 0, unit: channels.unit },
    };
  },
  silence: (node, { axis, unit }, dims) => {
    if (axis !== 1) return opaque('Gemm has its units on axis 1');
    const bias = node.inputs[2];
    const transB = intOf(node, 'transB', 0);
    return {
      kind: 'silence',
      parameters: [
        { input: 1, axis: transB ? 0 : 1, unit },
        ...(bias ? [{ input: 2, axis: dims(bias).length - 1, unit }] : []),
      ],
      inputs: [],
    };
  },
  removal: 'as silenced',
  bounds: gemmBounds,
};

const matMulChannels: ChannelRule = {
  about: 'summed by weights',
  passage: (node, index, channels, dims) => {
    const rank = dims(node.inputs[0] as string).length;
    const weights = dims(node.inputs[1] as string).length;
    return index === 0 && channels.axis === rank - 1 && weights === 2
      ? { kind: 'mix', linear: true, weights: { input: 1, axis: 0, unit: channels.unit } }
      : opaque('MatMul has the units where its weights or rows are');
  },
  silence: (node, { axis, unit }, dims) => {
    const rank = dims(node.outputs[0] as string).length;
    return axis === rank - 1 && dims(node.inputs[1] as string).length === 2
      ? { kind: 'silence', parameters: [{ input: 1, axis: 1, unit }], inputs: [] }
      : opaque('MatMul has its units on the last axis');
  },
  removal: 'as silenced',
  bounds: matMulBounds,
};

/** Y = A·B: dA = dY·Bᵀ, dB = Aᵀ·dY; leading axes broadcast. */
export const matMul: Operator = {
  gradient: (t) => {
    const [a, b] = t.x as [string, string];
    const dimsA = t.dims(a);
    const dimsB = t.dims(b);
    // A vector is a matrix of one row (left) or one column (right).
    const rowsA = dimsA.length === 1 ? [1, ...dimsA] : dimsA;
    const colsB = dimsB.length === 1 ? [...dimsB, 1] : dimsB;
    const lead = t.dims(t.y[0] as string).slice(0, Math.max(rowsA.length, colsB.length) - 2);
    const matrix = [...lead, rowsA.at(-2) as number, colsB.at(-1) as number];
    const dy =
      dimsA.length === 1 || dimsB.length === 1
        ? reshape(t, t.dy[0] as string, matrix)
        : (t.dy[0] as string);
    const asA = dimsA.length === 1 ? reshape(t, a, rowsA) : a;
    const asB = dimsB.length === 1 ? reshape(t, b, colsB) : b;
    const back = (
      gradient: string,
      matrix: readonly number[],
      own: readonly number[],
      to: readonly number[],
    ) => {
      const summed = sumTo(t, gradient, matrix, own);
      return own.length === to.length ? summed : reshape(t, summed, to);
    };
    const [m, k] = rowsA.slice(-2) as [number, number];
    const n = colsB.at(-1) as number;
    // A batch of matrices times one matrix: the gradient is one product over all rows, not a sum of many.
    if (colsB.length === 2 && rowsA.length > 2) {
      const flat = (value: string, width: number) => reshape(t, value, [-1, width]);
      return [
        t.wants(0) ? t.op('MatMul', [dy, swapLast(t, asB, 2)]) : undefined,
        t.wants(1) ? back(across(t, flat(asA, k), flat(dy, n)), [k, n], colsB, dimsB) : undefined,
      ];
    }
    const byB = () =>
      matrix.length === 2
        ? across(t, asA, dy)
        : t.op('MatMul', [swapLast(t, asA, rowsA.length), dy]);
    return [
      t.wants(0)
        ? back(t.op('MatMul', [dy, swapLast(t, asB, colsB.length)]), [...lead, m, k], rowsA, dimsA)
        : undefined,
      t.wants(1) ? back(byB(), [...lead, k, n], colsB, dimsB) : undefined,
    ];
  },
  channels: matMulChannels,
  inputs: { weights: [0, 1] },
  traits: {
    layer: {
      kind: 'fully connected',
      axis: (node, dims) => dims(node.outputs[0] as string).length - 1,
    },
    scores: 'logits',
  },
};

/** A'·B of two matrices, as one operator: ONNX Runtime would fuse two, and change the order of nodes. */
function across(t: Tape, a: string, b: string): string {
  return t.op('Gemm', [a, b], { transA: 1 });
}

function swapLast(t: Tape, value: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, axis) => axis);
  return transpose(t, value, [...perm.slice(0, -2), rank - 1, rank - 2]);
}

/** Y = α A'·B' + β C, where ' is a transposition by attribute. */
export const gemm: Operator = {
  gradient: (t) => {
    const [a, b, c] = t.x as [string, string, string?];
    const dy = t.dy[0] as string;
    const alpha = floatOf(t.node, 'alpha', 1);
    const beta = floatOf(t.node, 'beta', 1);
    const transA = intOf(t.node, 'transA', 0);
    const transB = intOf(t.node, 'transB', 0);
    const product = (left: string, transLeft: number, right: string, transRight: number) =>
      t.op('Gemm', [left, right], {
        transA: transLeft,
        transB: transRight,
        ...(alpha !== 1 && { alpha: { float: alpha } }),
      });
    const scaled = beta === 1 ? dy : t.op('Mul', [dy, t.scalar(beta)]);
    return [
      t.wants(0) ? (transA ? product(b, transB, dy, 1) : product(dy, 0, b, 1 - transB)) : undefined,
      t.wants(1) ? (transB ? product(dy, 1, a, transA) : product(a, 1 - transA, dy, 0)) : undefined,
      c && t.wants(2) ? sumTo(t, scaled, t.dims(t.y[0] as string), t.dims(c)) : undefined,
    ];
  },
  channels: gemmChannels,
  inputs: { weights: [1, 2], shifts: [2] },
  traits: { layer: { kind: 'fully connected', axis: () => 1 }, scores: 'logits' },
};
