import type { DataType, Tensor, TensorOf } from '../onnx/index.ts';

const FLOAT32_MAX = 3.4028234663852886e38;

/** Two views of the same memory, to convert between a float32 and its bits. */
const number = new Float32Array(1);
const bits = new Uint32Array(number.buffer);

/**
 * Converts a float tensor to float32. float16 and bfloat16 convert exactly; float64 is rounded to nearest.
 * A finite float64 beyond the float32 range becomes the largest float32 and not infinity: with a mask such
 * as -1e308, 0 x mask would be NaN. Other types are returned unchanged.
 */
export function toFloat32(tensor: Tensor): Tensor {
  const { dims } = tensor;
  switch (tensor.type) {
    case 'float16':
      return { type: 'float32', dims, data: mapped(tensor.data, float16Value) };
    case 'bfloat16':
      return { type: 'float32', dims, data: mapped(tensor.data, bfloat16Value) };
    case 'float64':
      return { type: 'float32', dims, data: mapped(tensor.data, float64Value) };
    default:
      return tensor;
  }
}

/**
 * Converts a float32 tensor to another float type. Rounds to nearest, ties to even (IEEE 754); values that
 * are too large become infinite.
 *
 * @throws TypeError where `type` is not a float type
 */
export function fromFloat32(tensor: TensorOf<'float32'>, type: DataType): Tensor {
  const { dims, data } = tensor;
  switch (type) {
    case 'float32':
      return tensor;
    case 'float64':
      return { type, dims, data: Float64Array.from(data) };
    case 'float16':
      return { type, dims, data: Uint16Array.from(data, float16Bits) };
    case 'bfloat16':
      return { type, dims, data: Uint16Array.from(data, bfloat16Bits) };
    default:
      throw new TypeError(`a float32 tensor cannot be converted to ${type}; give a float type`);
  }
}

function mapped(data: ArrayLike<number>, value: (element: number) => number): Float32Array {
  const result = new Float32Array(data.length);
  for (let index = 0; index < data.length; index++) result[index] = value(data[index] as number);
  return result;
}

function float64Value(value: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(value, -FLOAT32_MAX), FLOAT32_MAX) : value;
}

function bfloat16Value(half: number): number {
  bits[0] = half << 16;
  return number[0] as number;
}

/** 1 sign bit, 5 of exponent (bias 15), 10 of mantissa. */
function float16Value(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

function bfloat16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  number[0] = value;
  return shiftRoundingToEven(bits[0] as number, 16);
}

function float16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  number[0] = value;
  const word = bits[0] as number;
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  // From 65520 on, halfway between the largest float16 and the next power of two.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Normal numbers: move the bias from 127 to 15. A carry out of the mantissa raises the exponent.
  if (magnitude >= 0x38800000) return sign | shiftRoundingToEven(magnitude - 0x38000000, 13);
  // Below 2^-14 numbers are multiples of 2^-24; adding 0.5 lets float32 itself round to them, as the
  // last bit of its mantissa is then worth 2^-24.
  bits[0] = magnitude;
  number[0] += 0.5;
  return sign | (bits[0] - 0x3f000000);
}

/** Shifts right; rounds to nearest, ties to even. */
function shiftRoundingToEven(word: number, shift: number): number {
  const half = 2 ** (shift - 1);
  const odd = (word >>> shift) & 1;
  return (word + half - 1 + odd) >>> shift;
}
