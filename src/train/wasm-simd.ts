/**
 * Compiles elementwise formulas over several arrays to WebAssembly SIMD: four float32 at once, each
 * operation rounded to float32, as ONNX Runtime does. The loops change arrays in place at memory speed.
 * A graph would be slower: onnxruntime-node copies outputs at each run, and each operator is one pass.
 */

/** The used part of the global `WebAssembly`, which the type libraries for Node do not declare. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { m: { m: WasmMemory } },
  ) => { readonly exports: { readonly f: (...numbers: number[]) => void } };
};

/** The memory that loops work on. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

const PAGE = 2 ** 16;

/** @throws RangeError above 4 GiB, the limit of WebAssembly */
export function allocate(bytes: number): WasmMemory {
  return new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
}

/** WebAssembly code that pushes one v128 (four float32) onto the stack. */
export type SimdCode = readonly number[];

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const F32 = 0x7d;
const I32 = 0x7f;
const V128 = 0x7b;
const [SPLAT, SQRT, ADD, SUB, MUL, DIV] = [0x13, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7];

const simd = (op: number) => [0xfd, ...unsigned(op)];
const binary = (op: number) => (a: SimdCode, b: SimdCode) => [...a, ...b, ...simd(op)];
export const add = binary(ADD);
export const sub = binary(SUB);
export const mul = binary(MUL);
export const div = binary(DIV);
export const sqrt = (a: SimdCode): SimdCode => [...a, ...simd(SQRT)];

/** The operands of a formula: elements of an array, or a scalar, by their index in the call. */
export interface Operands {
  readonly array: (index: number) => SimdCode;
  readonly scalar: (index: number) => SimdCode;
}

/** Takes the addresses of the arrays, their common length in bytes (a multiple of 16) and the scalars. */
export type Loop = (arrays: readonly number[], bytes: number, scalars: readonly number[]) => void;

/** Compiles a loop that evaluates formulas at each index and stores each result, in order. */
export function compileLoop(
  memory: WasmMemory,
  counts: { readonly arrays: number; readonly scalars: number },
  body: (operands: Operands) => readonly (readonly [array: number, value: SimdCode])[],
): Loop {
  const { arrays, scalars } = counts;
  // Locals: addresses, bytes, scalars, the offset, scalars as v128.
  const offset = arrays + 1 + scalars;
  const get = (local: number) => [0x20, ...unsigned(local)];
  const address = (array: number) => [...get(array), ...get(offset), 0x6a];
  const aligned = [0x04, 0x00];
  const stores = body({
    array: (index) => [...address(index), ...simd(0x00), ...aligned],
    scalar: (index) => get(offset + 1 + index),
  }).flatMap(([array, value]) => [...address(array), ...value, ...simd(0x0b), ...aligned]);
  const splats = Array.from({ length: scalars }, (_, index) => [
    ...get(arrays + 1 + index),
    ...simd(SPLAT),
    0x21,
    ...unsigned(offset + 1 + index),
  ]).flat();
  const next = [...get(offset), 0x41, 16, 0x6a, 0x22, ...unsigned(offset)];
  const branchBack = [...next, ...get(arrays), 0x49, 0x0d, 0x00];
  const code = [...splats, 0x03, 0x40, ...stores, ...branchBack, 0x0b, 0x0b];
  const locals = [2, 1, I32, ...unsigned(scalars), V128];
  const parameters = [...Array<number>(arrays + 1).fill(I32), ...Array<number>(scalars).fill(F32)];
  const bytes = Uint8Array.from([
    ...HEADER,
    ...section(1, [1, 0x60, ...sized(parameters), 0]),
    ...section(2, [1, ...name('m'), ...name('m'), 0x02, 0x00, 0x00]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('f'), 0x00, 0x00]),
    ...section(10, [1, ...sized([...locals, ...code])]),
  ]);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { m: memory } });
  const run = exports.f;
  return (at, length, given) => {
    if (length > 0) run(...at, length, ...given);
  };
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

const sized = (bytes: readonly number[]) => [...unsigned(bytes.length), ...bytes];
const section = (id: number, bytes: readonly number[]) => [id, ...sized(bytes)];
const name = (letter: string) => [1, letter.charCodeAt(0)];
