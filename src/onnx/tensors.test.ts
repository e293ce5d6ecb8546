import * as fc from 'fast-check';
import { TensorProto_DataType as Proto } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { decodeModel } from './decode.ts';
import { encodeModel } from './encode.ts';
import type { Model } from './model.ts';
import { fileWith, node } from '../../test/helpers/onnx.ts';
import { sizeOf, type DataType, type Tensor } from './tensor.ts';

const MAKERS: { readonly [T in DataType]: (bytes: ArrayBuffer) => Tensor['data'] } = {
  float32: (bytes) => new Float32Array(bytes),
  float64: (bytes) => new Float64Array(bytes),
  float16: (bytes) => new Uint16Array(bytes),
  bfloat16: (bytes) => new Uint16Array(bytes),
  int8: (bytes) => new Int8Array(bytes),
  uint8: (bytes) => new Uint8Array(bytes),
  int16: (bytes) => new Int16Array(bytes),
  uint16: (bytes) => new Uint16Array(bytes),
  int32: (bytes) => new Int32Array(bytes),
  uint32: (bytes) => new Uint32Array(bytes),
  int64: (bytes) => new BigInt64Array(bytes),
  uint64: (bytes) => new BigUint64Array(bytes),
  bool: (bytes) => new Uint8Array(bytes),
  string: (bytes) => Array.from(new Uint8Array(bytes), (byte) => String.fromCodePoint(byte * 40)),
};
const TYPES = Object.keys(MAKERS) as DataType[];

/** Any tensor, of any bits but NaN, which is refused. */
const tensors = fc
  .tuple(fc.constantFrom(...TYPES), fc.array(fc.nat(4), { maxLength: 4 }))
  .chain(([type, dims]) =>
    fc
      .uint8Array({ minLength: sizeOf(dims) * 8, maxLength: sizeOf(dims) * 8 })
      .map((bytes): Tensor => {
        // Without the top bit of an exponent there is no NaN.
        if (type.includes('float')) for (let i = 1; i < bytes.length; i += 2) bytes[i]! &= 0xbf;
        const size = (MAKERS[type](new ArrayBuffer(8)).length || 1) / 8;
        const data = MAKERS[type](bytes.buffer.slice(0, sizeOf(dims) / size));
        return { type, dims, data } as Tensor;
      }),
  );

function modelOf(initializers: ReadonlyMap<string, Tensor>): Model {
  return {
    irVersion: 8,
    opsets: new Map([['', 13]]),
    producer: '',
    metadata: new Map(),
    graph: { name: '', inputs: [], outputs: [], nodes: [], initializers },
  };
}

test('tensors of every type come back from a file, bit for bit', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(tensors, { maxLength: 3 }), (list) => {
      for (const { type } of list) seen.add(type);
      const model = modelOf(new Map(list.map((tensor, i) => [`t${i}`, tensor])));
      expect(decodeModel(encodeModel(model))).toEqual(model);
    }),
    { numRuns: 300, seed: 1 },
  );
  expect(seen.size).toBe(TYPES.length);
});

test('a tensor that views a part of an array is written without the rest', () => {
  const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
  const model = modelOf(new Map([['t', { type: 'float32', dims: [2], data }]]));
  const read = decodeModel(encodeModel(model)).graph.initializers.get('t');
  expect(read?.data).toEqual(Float32Array.of(1, 2));
});

describe('typed data', () => {
  test.each([
    [Proto.FLOAT, { floatData: [0.5, -1e20] }, Float32Array.of(0.5, -1e20)],
    [Proto.DOUBLE, { doubleData: [0.1, 2] }, Float64Array.of(0.1, 2)],
    [Proto.FLOAT16, { int32Data: [0x3c00, 0xfc00] }, Uint16Array.of(0x3c00, 0xfc00)],
    [Proto.BFLOAT16, { int32Data: [0x3f80, 0xff80] }, Uint16Array.of(0x3f80, 0xff80)],
    [Proto.INT8, { int32Data: [-1, 127] }, Int8Array.of(-1, 127)],
    [Proto.UINT8, { int32Data: [0, 255] }, Uint8Array.of(0, 255)],
    [Proto.INT16, { int32Data: [-1, 7] }, Int16Array.of(-1, 7)],
    [Proto.UINT16, { int32Data: [1, 65535] }, Uint16Array.of(1, 65535)],
    [Proto.INT32, { int32Data: [-5, 6] }, Int32Array.of(-5, 6)],
    [Proto.UINT32, { uint64Data: [1n, 4294967295n] }, Uint32Array.of(1, 4294967295)],
    [Proto.INT64, { int64Data: [-1n, 2n ** 62n] }, BigInt64Array.of(-1n, 2n ** 62n)],
    [Proto.UINT64, { uint64Data: [1n, 2n ** 64n - 1n] }, BigUint64Array.of(1n, 2n ** 64n - 1n)],
    [Proto.BOOL, { int32Data: [0, 1] }, Uint8Array.of(0, 1)],
    [Proto.STRING, { stringData: [new Uint8Array([104, 105]), new Uint8Array()] }, ['hi', '']],
  ])('of type %s is read', (dataType, typed, data) => {
    const bytes = fileWith({
      initializer: [{ name: 'w', dataType, dims: [2n], ...typed }],
      node: [node('Relu', ['x'], ['y'])],
    });
    expect(decodeModel(bytes).graph.initializers.get('w')?.data).toEqual(data);
  });
});
