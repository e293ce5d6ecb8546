import { TensorProto_DataType as Proto } from 'onnx-buf';
import type { DataType } from './tensor.ts';

/** ONNX's number for each element type (TensorProto.DataType). */
export const DATA_TYPE_NUMBER: Readonly<Record<DataType, number>> = {
  float32: Proto.FLOAT,
  float64: Proto.DOUBLE,
  float16: Proto.FLOAT16,
  bfloat16: Proto.BFLOAT16,
  int8: Proto.INT8,
  uint8: Proto.UINT8,
  int16: Proto.INT16,
  uint16: Proto.UINT16,
  int32: Proto.INT32,
  uint32: Proto.UINT32,
  int64: Proto.INT64,
  uint64: Proto.UINT64,
  bool: Proto.BOOL,
  string: Proto.STRING,
};

const byNumber = new Map(
  Object.entries(DATA_TYPE_NUMBER).map(([type, number]) => [number, type as DataType]),
);

/** @returns undefined for a number that is unknown or unsupported */
export function dataTypeOf(number: number): DataType | undefined {
  return byNumber.get(number);
}

/** ONNX's name for a type number, for messages. */
export function dataTypeName(number: number): string {
  return Proto[number] ?? `number ${number}`;
}
