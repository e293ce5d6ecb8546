import { sizeOf, type TensorOf } from '../onnx/index.ts';
import { allocate } from './wasm-simd.ts';
import { momentsOf, type OptimizerSettings, updateRule } from './optimizers.ts';
import type { Perturbed } from './sharpness.ts';

/** Where arrays begin: at a line of the cache. */
const CACHE_LINE = 64;

/** How one parameter is trained. */
export interface ParameterSpec {
  readonly name: string;
  readonly dims: readonly number[];
  /** 0 where an element is masked at zero and 1 elsewhere, of dims that broadcast to the parameter's. */
  readonly mask?: TensorOf<'float32'> | undefined;
  /** Its own learning rate as a multiple of the common one. */
  readonly scale?: number | undefined;
}

/** Parameters, their moments and gradients, in one memory where an optimizer changes them. */
export interface ParameterMemory {
  /** Parameters and moments by name, the latter as `<parameter>.moment0`; views of the memory. */
  readonly state: ReadonlyMap<string, TensorOf<'float32'>>;
  /** Where the gradient of each parameter is to be written. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
  /** Parameters with their gradients; views of the memory. */
  readonly perturbed: readonly Perturbed[];
  /** Makes one step by the gradients as they are. */
  update(rate: number, step: number): void;
}

/** @throws RangeError where they take more than the 4 GiB that WebAssembly can address */
export function parameterMemory(
  trained: readonly ParameterSpec[],
  optimizer: OptimizerSettings,
): ParameterMemory {
  const roles = ['', '.gradient', ...moments(optimizer)];
  const places: number[] = [];
  let end = 0;
  for (const { dims } of trained) {
    for (const _ of roles) {
      places.push(end);
      end += CACHE_LINE * Math.ceil((4 * sizeOf(dims)) / CACHE_LINE);
    }
  }
  const memory = allocate(end);
  const update = updateRule(memory, optimizer);
  const state = new Map<string, TensorOf<'float32'>>();
  const gradients = new Map<string, Float32Array>();
  const parts = trained.map(({ name, dims, mask, scale = 1 }, index) => {
    const arrays = places.slice(index * roles.length, (index + 1) * roles.length);
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
    perturbed: trained.map(({ name }, index) => ({
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

/** Places, in row-major order, where a mask broadcast to some dims is zero. */
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
