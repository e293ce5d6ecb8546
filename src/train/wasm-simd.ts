/**
 * Formulas over the numbers of equal place in several arrays, as WebAssembly that takes four numbers
 * at once, each rounded to float32 as ONNX Runtime does. It changes arrays where they lie, at the speed
 * of memory: outputs of onnxruntime-node are copied for every run, and each operator is one more pass.
 */

/** The part of the global of this name that is used; libraries for Node alone do not declare it. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { m: { m: WasmMemory } },
  ) => { readonly exports: { readonly f: (...numbers: number[]) => void } };
};

/** What loops work on. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

const PAGE = 2 ** 16;

/** @throws RangeError above 4 GiB, the most that WebAssembly can address */
export function allocate(bytes: number): WasmMemory {
  return new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
}

/** Code that leaves four numbers on the stack. */
export type SimdCode = readonly number[];

const HEADER = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const FLOAT = 0x7d;
const INT = 0x7f;
const FOUR = 0x7b;
const [SPLAT, SQRT, ADD, SUB, MUL, DIV] = [0x13, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7];

const simd = (op: number) => [0xfd, ...unsigned(op)];
const binary = (op: number) => (a: SimdCode, b: SimdCode) => [...a, ...b, ...simd(op)];
export const add = binary(ADD);
export const sub = binary(SUB);
export const mul = binary(MUL);
export const div = binary(DIV);
export const sqrt = (a: SimdCode): SimdCode => [...a, ...simd(SQRT)];

/** What a formula may name: numbers of an array, or a scalar, by their place in the call. */
export interface Operands {
  readonly array: (index: number) => SimdCode;
  readonly scalar: (index: number) => SimdCode;
}

/** Addresses of the arrays, their common length in bytes (whole fours of numbers), scalars. */
export type Loop = (arrays: readonly number[], bytes: number, scalars: readonly number[]) => void;

/** Makes a loop that, at each place, writes formulas to arrays, one after the other. */
export function compileLoop(
  memory: WasmMemory,
  counts: { readonly arrays: number; readonly scalars: number },
  body: (operands: Operands) => readonly (readonly [array: number, value: SimdCode])[],
): Loop {
  const { arrays, scalars } = counts;
  // Locals: addresses, bytes, scalars, the offset, scalars four times.
  const offset = arrays + 1 + scalars;
  const get = (local: number) => [0x20, ...unsigned(local)];
  const address = (array: number) => [...get(array), ...get(offset), 0x6a];
  const aligned = [0x04, 0x00];
  const written = body({
    array: (index) => [...address(index), ...simd(0x00), ...aligned],
    scalar: (index) => get(offset + 1 + index),
  }).flatMap(([array, value]) => [...address(array), ...value, ...simd(0x0b), ...aligned]);
  const spread = Array.from({ length: scalars }, (_, index) => [
    ...get(arrays + 1 + index),
    ...simd(SPLAT),
    0x21,
    ...unsigned(offset + 1 + index),
  ]).flat();
  const next = [...get(offset), 0x41, 16, 0x6a, 0x22, ...unsigned(offset)];
  const again = [...next, ...get(arrays), 0x49, 0x0d, 0x00];
  const code = [...spread, 0x03, 0x40, ...written, ...again, 0x0b, 0x0b];
  const locals = [2, 1, INT, ...unsigned(scalars), FOUR];
  const parameters = [
    ...Array<number>(arrays + 1).fill(INT),
    ...Array<number>(scalars).fill(FLOAT),
  ];
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
