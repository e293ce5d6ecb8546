import { TensorProto_DataLocation, type TensorProto } from 'onnx-buf';
import { dataTypeName, dataTypeOf } from './data-type.ts';
import { OnnxError, quoted } from './error.ts';
import type { DataType, Tensor } from './tensor.ts';

/**
 * Reads `length` bytes at `offset` of an external data file. The path is relative to the model's folder.
 */
export type ReadExternalData = (location: string, offset: number, length: number) => Uint8Array;

type NumericType = Exclude<DataType, 'string'>;
type TypedField = 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data';

/** The typed array for each element type, and the protobuf field for its typed data. */
const STORAGE = {
  float32: [Float32Array, 'floatData'],
  float64: [Float64Array, 'doubleData'],
  float16: [Uint16Array, 'int32Data'],
  bfloat16: [Uint16Array, 'int32Data'],
  int8: [Int8Array, 'int32Data'],
  uint8: [Uint8Array, 'int32Data'],
  int16: [Int16Array, 'int32Data'],
  uint16: [Uint16Array, 'int32Data'],
  int32: [Int32Array, 'int32Data'],
  uint32: [Uint32Array, 'uint64Data'],
  int64: [BigInt64Array, 'int64Data'],
  uint64: [BigUint64Array, 'uint64Data'],
  bool: [Uint8Array, 'int32Data'],
} as const satisfies Record<NumericType, readonly [unknown, TypedField]>;

const DATA_FIELDS = [
  'rawData',
  'floatData',
  'doubleData',
  'int32Data',
  'int64Data',
  'uint64Data',
  'stringData',
] as const;

// Above the capacity of any array, and still exact as a number.
const MAX_ELEMENTS = 2 ** 40;

/** @throws OnnxError for data that do not fit the dims, an unsupported type, or unreadable external data */
export function decodeTensor(proto: TensorProto, external: ReadExternalData | undefined): Tensor {
  const where = `tensor ${quoted(proto.name)}`;
  const type = dataTypeOf(proto.dataType);
  if (!type) {
    throw new OnnxError(
      'onnx/tensor-type',
      `${where} has element type ${dataTypeName(proto.dataType)}, which is not supported; export ` +
        'the model with float32, float16 or float64 weights',
    );
  }
  if (proto.segment) {
    throw new OnnxError(
      'onnx/unsupported',
      `${where} is stored in segments, which no runtime reads; save the model again with onnx.save`,
    );
  }
  const { dims, size } = checkedDims(proto, where);
  if (type === 'string') return { type, dims, data: decodeStrings(proto, size, where) };
  const [array, typedField] = STORAGE[type];
  const byteLength = size * array.BYTES_PER_ELEMENT;
  const field = onlyDataField(proto, where);
  let data;
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    data = new array(readExternal(proto, external, byteLength, where));
  } else if (field === 'rawData' || field === undefined) {
    if (proto.rawData.length !== byteLength) {
      throw wrongSize(where, dims, `${byteLength} bytes`, `${proto.rawData.length}`);
    }
    data = new array(ownBuffer(proto.rawData));
  } else if (field === typedField) {
    const values = proto[typedField];
    if (values.length !== size) {
      throw wrongSize(where, dims, `${size} elements`, `${values.length}`);
    }
    data = fromTyped(type, values);
  } else {
    throw new OnnxError(
      'onnx/tensor-type',
      `${where} is of type ${type} but has its data in the field ${field}, not ${typedField}; ` +
        'save the model again with onnx.save',
    );
  }
  return { type, dims, data } as Tensor;
}

function checkedDims(proto: TensorProto, where: string): { dims: number[]; size: number } {
  let size = 1n;
  for (const dim of proto.dims) {
    if (dim < 0n) {
      throw new OnnxError(
        'onnx/tensor-size',
        `${where} has a negative dimension (${proto.dims.join(' x ')}); the file is damaged or ` +
          'hostile: do not use it',
      );
    }
    size *= dim;
    if (size > MAX_ELEMENTS || dim > MAX_ELEMENTS || proto.dims.length > 64) {
      throw new OnnxError(
        'onnx/tensor-size',
        `${where} claims to have ${quotedDims(proto.dims)} elements, more than memory can hold; ` +
          'the file is damaged or hostile: do not use it',
      );
    }
  }
  return { dims: proto.dims.map(Number), size: Number(size) };
}

function quotedDims(dims: readonly bigint[]): string {
  return `${dims.slice(0, 8).join(' x ')}${dims.length > 8 ? ' x ...' : ''}`;
}

function onlyDataField(
  proto: TensorProto,
  where: string,
): (typeof DATA_FIELDS)[number] | undefined {
  const present = DATA_FIELDS.filter((field) => proto[field].length > 0);
  const external = proto.dataLocation === TensorProto_DataLocation.EXTERNAL;
  if (present.length + (external ? 1 : 0) > 1) {
    const all = external ? [...present, 'externalData'] : present;
    throw new OnnxError(
      'onnx/tensor-both-data',
      `${where} has its data twice (${all.join(' and ')}), so readers may see different weights; ` +
        'do not trust the file: export it again from the source',
    );
  }
  return present[0];
}

function readExternal(
  proto: TensorProto,
  external: ReadExternalData | undefined,
  byteLength: number,
  where: string,
): ArrayBuffer {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location');
  if (location === undefined || location === '') {
    throw new OnnxError(
      'onnx/external-missing',
      `${where} says that its data is in another file but not in which; save the model again ` +
        'with onnx.save',
    );
  }
  const offset = wholeNumber(entries.get('offset') ?? '0');
  const length = wholeNumber(entries.get('length') ?? String(byteLength));
  if (offset === undefined || length === undefined) {
    throw new OnnxError(
      'onnx/external-range',
      `${where} has offset ${quoted(entries.get('offset') ?? '0')} and length ` +
        `${quoted(entries.get('length') ?? '')} in ${quoted(location)}; both must be whole numbers: ` +
        'save the model again with onnx.save',
    );
  }
  if (length !== byteLength) {
    throw new OnnxError(
      'onnx/external-range',
      `${where} needs ${byteLength} bytes but names ${length} of ${quoted(location)}; the file is ` +
        'damaged: fetch or export it again',
    );
  }
  if (!external) {
    throw new OnnxError(
      'onnx/external-missing',
      `${where} has its data in ${quoted(location)}, which was not given; open the model by its ` +
        'path, with that file beside it, or save it as a single file',
    );
  }
  const bytes = external(location, offset, length);
  if (bytes.length !== length) {
    throw new OnnxError(
      'onnx/external-range',
      `${where} needs ${length} bytes of ${quoted(location)} but got ${bytes.length}; fetch the file again`,
    );
  }
  return ownBuffer(bytes);
}

function wholeNumber(text: string): number | undefined {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** A copy, aligned for every element type. */
function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy.buffer;
}

function fromTyped(type: NumericType, values: readonly number[] | readonly bigint[]): unknown {
  // STORAGE guarantees that type and values fit; TypeScript cannot infer it.
  const numbers = values as readonly number[];
  const bigints = values as readonly bigint[];
  switch (type) {
    case 'int64':
      return BigInt64Array.from(bigints);
    case 'uint64':
      return BigUint64Array.from(bigints);
    case 'uint32':
      return Uint32Array.from(bigints, Number);
    case 'bool':
      return Uint8Array.from(numbers, (value) => (value === 0 ? 0 : 1));
    default:
      return STORAGE[type][0].from(numbers);
  }
}

function decodeStrings(proto: TensorProto, size: number, where: string): string[] {
  const field = onlyDataField(proto, where);
  if (
    proto.dataLocation === TensorProto_DataLocation.EXTERNAL ||
    (field !== undefined && field !== 'stringData')
  ) {
    throw new OnnxError(
      'onnx/tensor-type',
      `${where} is of strings, which can only be stored as string_data; export the model again`,
    );
  }
  if (proto.stringData.length !== size) {
    throw wrongSize(where, proto.dims.map(Number), `${size} strings`, `${proto.stringData.length}`);
  }
  return proto.stringData.map((bytes) => decodeText(bytes, where));
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws OnnxError 'onnx/unsupported' for bytes that are not UTF-8 */
export function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new OnnxError(
      'onnx/unsupported',
      `${where} holds a string that is not UTF-8 text; only text strings are supported`,
      { cause },
    );
  }
}

function wrongSize(
  where: string,
  dims: readonly number[],
  needed: string,
  found: string,
): OnnxError {
  return new OnnxError(
    'onnx/tensor-size',
    `${where} of ${dims.length === 0 ? 'no dimensions' : dims.join(' x ')} needs ${needed} of data ` +
      `but has ${found}; the file is damaged: fetch or export it again`,
  );
}
