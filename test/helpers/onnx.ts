import { readFileSync } from 'node:fs';
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataType, type ModelProto } from 'onnx-buf';
import { OnnxError } from '../../src/onnx/error.ts';

// Helpers for tests of src/onnx.

export type ModelInit = Exclude<MessageInitShape<typeof ModelProtoSchema>, ModelProto>;
type GraphInit = NonNullable<ModelInit['graph']>;

export function golden(name: 'cnn' | 'typed' | 'loop'): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`../golden/onnx/${name}.onnx`, import.meta.url)));
}

export function protoOf(bytes: Uint8Array): ModelProto {
  return fromBinary(ModelProtoSchema, bytes);
}

/** A file with a float input x, a float output y, and the given parts. */
export function fileWith(graph: GraphInit, model: ModelInit = {}): Uint8Array<ArrayBuffer> {
  const proto = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 13n }],
    graph: { name: 'test', input: [floats('x')], output: [floats('y')], ...graph },
    ...model,
  });
  return toBinary(ModelProtoSchema, proto);
}

export function floats(name: string) {
  return {
    name,
    type: {
      value: { case: 'tensorType' as const, value: { elemType: TensorProto_DataType.FLOAT } },
    },
  };
}

/** A node without attributes, as `op(inputs) -> outputs`. */
export function node(op: string, input: string[], output: string[]) {
  return { opType: op, input, output };
}

/** Code and message of the error that a call throws. */
export function failureOf(call: () => unknown): { code: string; message: string } {
  try {
    call();
  } catch (error) {
    if (error instanceof OnnxError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('nothing was thrown');
}
