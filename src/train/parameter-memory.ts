import { sizeOf, type TensorOf } from '../onnx/index.ts';
import { allocate } from './wasm-simd.ts';
import { momentsOf, type OptimizerSettings, updateRule } from './optimizers.ts';
import type { Perturbed } from './sharpness.ts';

/** Arrays are aligned to cache lines of this many bytes. */
const CACHE_LINE = 64;

/** One parameter and how it is trained. */
export interface ParameterSpec {
  readonly name: string;
  readonly dims: readonly number[];
  /** 0 for elements that stay zero and 1 elsewhere; its dims broadcast to those of the parameter. */
  readonly mask?: TensorOf<'float32'> | undefined;
  /** Multiplier of the learning rate; default 1. */
  readonly scale?: number | undefined;
}

/** Parameters, gradients and moments in one WebAssembly memory, where the optimizer changes them in place. */
export interface ParameterMemory {
  /** Parameters and moments by name, moments as `<parameter>.moment0`; views of the memory. */
  readonly state: ReadonlyMap<string, TensorOf<'float32'>>;
  /** The buffer for the gradient of each parameter; views of the memory. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
  /** Parameters with their gradients; views of the memory. */
  readonly perturbed: readonly Perturbed[];
  /** Applies the optimizer to the gradients in the buffers. */
  update(rate: number, step: number): void;
}

/** @throws RangeError where the arrays need more than 4 GiB, which WebAssembly cannot address */
export function parameterMemory(
  parameters: readonly ParameterSpec[],
  optimizer: OptimizerSettings,
): ParameterMemory {
  const roles = ['', '.gradient', ...moments(optimizer)];
  const addresses: number[] = [];
  let end = 0;
  for (const { dims } of parameters) {
    for (const _ of roles) {
      addresses.push(end);
      end += CACHE_LINE * Math.ceil((4 * sizeOf(dims)) / CACHE_LINE);
    }
  }
  const memory = allocate(end);
  const update = updateRule(memory, optimizer);
  const state = new Map<string, TensorOf<'float32'>>();
  const gradients = new Map<string, Float32Array>();
  const parts = parameters.map(({ name, dims, mask, scale = 1 }, index) => {
    const arrays = addresses.slice(index * roles.length, (index + 1) * roles.length);
    for (const [role, at] of arrays.entries()) {
      const data = new Float32Array(memory.buffer, at, sizeOf(dims));
      if (role === 1) gradients.set(name, data);
      else state.set(name + (roles[role] as string), { type: 'float32', dims, data });
    }
    const values = (state.get(name) as TensorOf<'float32'>).data;
    const bytes = 16 * Math.ceil(values.byteLength / 16);
    return { arrays, bytes, scale, values, masked: mask ? maskedIndices(mask, dims) : [] };
  });
  return {
    state,
    gradients,
    perturbed: parameters.map(({ name }, index) => ({
      values: (parts[index] as (typeof parts)[number]).values,
      gradient: gradients.get(name) as Float32Array,
      masked: (parts[index] as (typeof parts)[number]).masked,
    })),
    update(rate, step) {
      for (const { arrays, bytes, scale, values, masked } of parts) {
        update(arrays, bytes, { rate, step, scale });
        for (const at of masked) values[at] = 0;
      }
    },
  };
}

function moments(optimizer: OptimizerSettings): string[] {
  return Array.from({ length: momentsOf(optimizer) }, (_, index) => `.moment${index}`);
}

/** Row-major indices at which a mask, broadcast to `dims`, is zero. */
function maskedIndices(mask: TensorOf<'float32'>, dims: readonly number[]): Uint32Array {
  const own = [...Array<number>(dims.length - mask.dims.length).fill(1), ...mask.dims];
  const zeros: number[] = [];
  const walk = (axis: number, from: number, to: number) => {
    if (axis === dims.length) {
      if (mask.data[from] === 0) zeros.push(to);
      return;
    }
    const [size, length] = [own[axis] as number, dims[axis] as number];
    for (let at = 0; at < length; at += 1) {
      walk(axis + 1, from * size + (size === 1 ? 0 : at), to * length + at);
    }
  };
  walk(0, 0, 0);
  return Uint32Array.from(zeros);
}
