import { axisOf, floatOf, intOf } from '../graph/index.ts';
import { sizeOf, type Node, type Tensor } from '../onnx/index.ts';
import { given } from './channel-answers.ts';
import type { DimsOf, KnownOf } from './channel-rule.ts';

/** The least and the most that the elements at each index along an axis can be. */
export interface Bounds {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** What a rule asks of the values around its node. */
export interface BoundsAround {
  readonly dims: DimsOf;
  readonly known: KnownOf;
  /** Bounds of an input along an axis, as far up as they can be told. */
  readonly of: (index: number, axis: number) => Bounds;
  /** Bounds of an input of a layer, which are not looked for further up. */
  readonly seen: (index: number, axis: number) => Bounds;
}

/** Bounds of a node's output along an axis; nothing where they cannot be told. */
type BoundsRule = (node: Node, axis: number, around: BoundsAround) => Bounds | undefined;

const bySelf: BoundsRule = (_node, axis, { of }) => of(0, axis);
const byWindow: BoundsRule = (_node, axis, { of }) => (axis === 1 ? of(0, axis) : undefined);

/** Zeros of padding may be among what is summed. */
const withZero = ({ low, high }: Bounds): Bounds => ({
  low: low.map((value) => Math.min(0, value)),
  high: high.map((value) => Math.max(0, value)),
});

/** Weights of a layer, each unit's one after another. */
interface Rows {
  readonly data: Float32Array | Float64Array;
  readonly units: number;
  /** The first index of the input that a unit reads, and how many it reads from there on. */
  readonly first: (unit: number) => number;
  readonly count: number;
  /** Weights in a row by which one index of the input is multiplied. */
  readonly each: number;
  readonly alpha: number;
}

/**
 * Σ w x over the input's indices, the least and the most of it for each unit. It runs for every weight
 * of a model, so it is written out: with a function for the product it takes four times as long.
 */
function products(rows: Rows, { low, high }: Bounds, bias: (unit: number) => number): Bounds {
  const { data, units, count, each, alpha } = rows;
  const sums = { low: new Float64Array(units), high: new Float64Array(units) };
  for (let unit = 0, at = 0; unit < units; unit += 1) {
    let least = bias(unit);
    let most = least;
    const first = rows.first(unit);
    for (let index = first; index < first + count; index += 1) {
      const [from, to] = [low[index] as number, high[index] as number];
      for (const end = at + each; at < end; at += 1) {
        const weight = alpha * (data[at] as number);
        // Nothing times what is not bounded is nothing.
        if (weight > 0) {
          least += weight * from;
          most += weight * to;
        } else if (weight < 0) {
          least += weight * to;
          most += weight * from;
        }
      }
    }
    sums.low[unit] = least;
    sums.high[unit] = most;
  }
  return sums;
}

const conv: BoundsRule = (node, axis, { dims, known, seen }) => {
  const weights = known(node.inputs[1] as string);
  const bias = given(node, 2) ? known(node.inputs[2] as string) : undefined;
  if (axis !== 1 || weights?.type !== 'float32') return undefined;
  if (given(node, 2) && !bias) return undefined;
  const [units, count] = dims(node.inputs[1] as string) as [number, number];
  const perGroup = units / intOf(node, 'group', 1);
  return products(
    {
      data: weights.data,
      units,
      first: (unit) => Math.floor(unit / perGroup) * count,
      count,
      each: sizeOf(weights.dims.slice(2)),
      alpha: 1,
    },
    withZero(seen(0, 1)),
    (unit) => Number(bias?.data[unit] ?? 0),
  );
};

/** x · W with a column of W, or a row where it is transposed, for each unit. */
function matrix(
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

const gemm: BoundsRule = (node, axis, around) => {
  const bias = given(node, 2) ? around.known(node.inputs[2] as string) : undefined;
  if (axis !== 1 || intOf(node, 'transA', 0) !== 0) return undefined;
  if (given(node, 2) && (!bias || sizeOf(bias.dims.slice(0, -1)) !== 1)) return undefined;
  const beta = floatOf(node, 'beta', 1);
  return matrix(node, around.seen(0, 1), around, {
    rows: intOf(node, 'transB', 0) === 1,
    alpha: floatOf(node, 'alpha', 1),
    bias: (unit) => (bias ? beta * Number(bias.data[bias.data.length === 1 ? 0 : unit]) : 0),
  });
};

const matMul: BoundsRule = (node, axis, around) => {
  const rank = around.dims(node.inputs[0] as string).length;
  if (axis !== around.dims(node.outputs[0] as string).length - 1) return undefined;
  return matrix(node, around.seen(0, rank - 1), around, {
    rows: false,
    alpha: 1,
    bias: () => 0,
  });
};

/** y = scale (x - mean) / √(var + ε) + shift. */
const batchNormalization: BoundsRule = (node, axis, { known, of }) => {
  const tensors = [1, 2, 3, 4].map((index) => known(node.inputs[index] as string));
  if (axis !== 1 || tensors.some((tensor) => !tensor)) return undefined;
  const [scale, shift, mean, variance] = tensors.map((tensor) =>
    Float64Array.from((tensor as Tensor).data as Float32Array),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  const factor = scale.map((each, unit) => each / Math.sqrt((variance[unit] as number) + epsilon));
  return products(
    {
      data: factor,
      units: scale.length,
      first: (unit) => unit,
      count: 1,
      each: 1,
      alpha: 1,
    },
    of(0, 1),
    (unit) => (shift[unit] as number) - (mean[unit] as number) * (factor[unit] as number),
  );
};

/** The bounds of an operand at each index of the output's axis. */
function operand(node: Node, index: number, axis: number, { dims, of }: BoundsAround): Bounds {
  const out = dims(node.outputs[0] as string);
  const own = dims(node.inputs[index] as string);
  const at = axis - (out.length - own.length);
  const size = out[axis] as number;
  const bounds = at < 0 ? over(of(index, 0)) : of(index, at);
  if (bounds.low.length === size) return bounds;
  const one = over(bounds);
  return {
    low: new Float64Array(size).fill(one.low[0] as number),
    high: new Float64Array(size).fill(one.high[0] as number),
  };
}

/** The bounds of all indices together. */
function over({ low, high }: Bounds): Bounds {
  return {
    low: Float64Array.of(low.reduce((a, b) => Math.min(a, b), Infinity)),
    high: Float64Array.of(high.reduce((a, b) => Math.max(a, b), -Infinity)),
  };
}

const combined =
  (by: (a: Bounds, b: Bounds, unit: number) => readonly number[]): BoundsRule =>
  (node, axis, around) =>
    node.inputs
      .map((_, index) => operand(node, index, axis, around))
      .reduce((a, b) => ({
        low: a.low.map((_, unit) => Math.min(...by(a, b, unit))),
        high: a.high.map((_, unit) => Math.max(...by(a, b, unit))),
      }));

const sum = combined(({ low, high }, b, unit) => [
  (low[unit] as number) + (b.low[unit] as number),
  (high[unit] as number) + (b.high[unit] as number),
]);

const difference = combined(({ low, high }, b, unit) => [
  (low[unit] as number) - (b.high[unit] as number),
  (high[unit] as number) - (b.low[unit] as number),
]);

const product = combined((a, b, unit) =>
  [a.low, a.high].flatMap((one) =>
    // Nothing times infinity is nothing here: bounds, not values.
    [b.low, b.high].map((other) => (one[unit] as number) * (other[unit] as number) || 0),
  ),
);

const quotient = combined((a, b, unit) =>
  (b.low[unit] as number) > 0 || (b.high[unit] as number) < 0
    ? [a.low, a.high].flatMap((one) =>
        [b.low, b.high].map((other) => (one[unit] as number) / (other[unit] as number)),
      )
    : [-Infinity, Infinity],
);

const concat: BoundsRule = (node, axis, { dims, of }) => {
  if (axisOf(intOf(node, 'axis', 0), dims(node.outputs[0] as string).length) !== axis) {
    return undefined;
  }
  const parts = node.inputs.map((_, index) => of(index, axis));
  return {
    low: Float64Array.from(parts.flatMap(({ low }) => [...low])),
    high: Float64Array.from(parts.flatMap(({ high }) => [...high])),
  };
};

const rules: Readonly<Record<string, BoundsRule>> = {
  Add: sum,
  AveragePool: (_node, axis, { of }) => (axis === 1 ? withZero(of(0, axis)) : undefined),
  BatchNormalization: batchNormalization,
  Concat: concat,
  Conv: conv,
  Div: quotient,
  Dropout: bySelf,
  Gemm: gemm,
  Identity: bySelf,
  MatMul: matMul,
  MaxPool: byWindow,
  Mul: product,
  Sub: difference,
  Sum: sum,
};

/** Bounds of a node's first output along an axis, where its operator has a rule and it can tell. */
export function boundsOf(node: Node, axis: number, around: BoundsAround): Bounds | undefined {
  return node.domain === '' ? rules[node.op]?.(node, axis, around) : undefined;
}

/** The least and the most of a tensor at each index along an axis. */
export function boundsWithin({ dims, data }: Tensor, axis: number): Bounds {
  const size = dims[axis] ?? 1;
  const inner = sizeOf(dims.slice(axis + 1));
  const low = new Float64Array(size).fill(Infinity);
  const high = new Float64Array(size).fill(-Infinity);
  for (let at = 0; at < data.length; at += 1) {
    const value = Number(data[at]);
    const index = Math.floor(at / inner) % size;
    low[index] = Math.min(low[index] as number, value);
    high[index] = Math.max(high[index] as number, value);
  }
  return { low, high };
}
