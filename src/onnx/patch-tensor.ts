import { TensorProtoSchema } from 'onnx-buf';
import { DATA_TYPE_NUMBER, dataTypeName } from './data-type.ts';
import type { ByteEdit } from './byte-edits.ts';
import { bytesOf } from './encode.ts';
import { OnnxError, quoted } from './error.ts';
import { sizeOf, type Tensor } from './tensor.ts';
import {
  concatBytes,
  fieldsOf,
  int64At,
  tag,
  textOf,
  varint,
  WIRE,
  type Span,
  type WireField,
} from './wire.ts';

const TENSOR = TensorProtoSchema.field;

/** The fields that hold data or its location. */
const DATA_NUMBERS: ReadonlySet<number> = new Set(
  [
    TENSOR.rawData,
    TENSOR.floatData,
    TENSOR.doubleData,
    TENSOR.int32Data,
    TENSOR.int64Data,
    TENSOR.uint64Data,
    TENSOR.externalData,
    TENSOR.dataLocation,
  ].map(({ number }) => number),
);

export function tensorName(bytes: Uint8Array, tensor: Span): string {
  for (const field of fieldsOf(bytes, tensor)) {
    if (field.number === TENSOR.name.number) return textOf(bytes, field);
  }
  return '';
}

/** The edits that replace the values of a tensor in a file. */
export function patchTensor(
  bytes: Uint8Array,
  span: Span,
  name: string,
  tensor: Tensor,
): readonly ByteEdit[] {
  checkFits(bytes, span, name, tensor);
  if (tensor.type === 'string') {
    throw new OnnxError(
      'onnx/unsupported',
      `the tensor ${quoted(name)} holds strings, which cannot be changed; give a numeric tensor`,
    );
  }
  const raw = bytesOf(tensor.data);
  const data: WireField[] = [];
  for (const field of fieldsOf(bytes, span)) if (DATA_NUMBERS.has(field.number)) data.push(field);
  // A location field with the default value ("in this file") may stay.
  const inside = data.filter((field) => !isDefaultLocation(bytes, field));
  const [only] = inside;
  if (only === undefined && raw.length === 0) return [];
  if (only && inside.length === 1 && holdsRawBytes(only, tensor)) {
    return [{ from: only.from, to: only.to, bytes: raw }];
  }
  const removed = data.map(({ start, to }) => ({ from: start, to, bytes: new Uint8Array() }));
  const start = tag(TENSOR.rawData.number, WIRE.bytes);
  const added = concatBytes([start, varint(raw.length), raw]);
  return [...removed, { from: span.to, to: span.to, bytes: added }];
}

function isDefaultLocation(bytes: Uint8Array, field: WireField): boolean {
  if (field.number !== TENSOR.dataLocation.number) return false;
  return int64At(bytes, field.from, field.to).value === 0n;
}

/** Whether the payload of a field equals the tensor's memory layout. */
function holdsRawBytes(field: WireField, tensor: Tensor): boolean {
  const sameNumber =
    field.number === TENSOR.rawData.number ||
    (field.number === TENSOR.floatData.number && tensor.type === 'float32') ||
    (field.number === TENSOR.doubleData.number && tensor.type === 'float64');
  if (!sameNumber || field.wire !== WIRE.bytes) return false;
  return tensor.type !== 'string' && field.to - field.from === tensor.data.byteLength;
}

function checkFits(bytes: Uint8Array, span: Span, name: string, tensor: Tensor): void {
  const { type, dims } = typeAndDims(bytes, span);
  if (type !== DATA_TYPE_NUMBER[tensor.type]) {
    throw new OnnxError(
      'onnx/tensor-type',
      `the tensor ${quoted(name)} is of type ${dataTypeName(type)} in the file, and the new values ` +
        `are ${tensor.type}; convert them first`,
    );
  }
  const same = dims.length === tensor.dims.length && dims.every((dim, i) => dim === tensor.dims[i]);
  if (same && sizeOf(dims) === tensor.data.length) return;
  throw new OnnxError(
    'onnx/tensor-size',
    `the tensor ${quoted(name)} is ${dims.join(' x ')} in the file, and the new values are ` +
      `${tensor.dims.join(' x ')} with ${tensor.data.length} elements; only the values can change`,
  );
}

function typeAndDims(bytes: Uint8Array, span: Span): { type: number; dims: number[] } {
  let type = 0;
  const dims: number[] = [];
  for (const field of fieldsOf(bytes, span)) {
    if (field.number === TENSOR.dataType.number) {
      type = Number(int64At(bytes, field.from, field.to).value);
    } else if (field.number === TENSOR.dims.number) {
      // Packed or not, the payload has the same form.
      for (let at = field.from; at < field.to;) {
        const { value, end } = int64At(bytes, at, field.to);
        dims.push(Number(value));
        at = end;
      }
    }
  }
  return { type, dims };
}
