import { clearField, create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf';
import { DATA_TYPE_NUMBER } from './data-type.ts';
import { OnnxError } from './error.ts';
import type { Attribute, Graph, Model, Node, ValueInfo } from './model.ts';
import { isGraph, isTensor } from './node.ts';
import type { Tensor } from './tensor.ts';
import { concatBytes, tag, varint, WIRE } from './wire.ts';

// Older versions list every initializer as a graph input too, which Graph does not.
const MIN_IR_VERSION = 4;
// The newest version that ONNX Runtime 1.30 loads.
const MAX_IR_VERSION = 13;
// Protobuf's limit on a message.
const MAX_BYTES = 2 ** 31 - 1;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * Encodes a model as an ONNX file. The weights are copied once, directly into the result.
 *
 * @throws OnnxError 'onnx/too-large' above 2 GiB; TypeError for a float attribute that is not wrapped in
 *   `float()` or `{ floats }`
 */
export function encodeModel(model: Model): Uint8Array<ArrayBuffer> {
  return encoded(model, initializerChunks(model.graph.initializers));
}

/** An encoded model whose large weights are external data in memory. */
export interface ModelWithExternalData {
  readonly bytes: Uint8Array;
  /** The external data that the model refers to by path. */
  readonly weights: readonly { readonly path: string; readonly data: Uint8Array }[];
}

/** Smaller tensors, in bytes, are stored in the model itself. */
const MIN_EXTERNAL_BYTES = 4096;

/** Encodes a model without a copy of its weights: the external data are views of its tensors. */
export function encodeWithExternalData(model: Model): ModelWithExternalData {
  const inside = new Map<string, Tensor>();
  const outside: Uint8Array[] = [];
  const weights: { path: string; data: Uint8Array }[] = [];
  const initializerTag = tag(GraphProtoSchema.field.initializer.number, WIRE.bytes);
  for (const [name, tensor] of model.graph.initializers) {
    if (tensor.type === 'string' || tensor.data.byteLength < MIN_EXTERNAL_BYTES) {
      inside.set(name, tensor);
      continue;
    }
    const proto = tensorProto(tensor, name);
    clearField(proto, TensorProtoSchema.field.rawData);
    const path = `weights ${weights.length}`;
    proto.dataLocation = TensorProto_DataLocation.EXTERNAL;
    proto.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: path })];
    const bytes = toBinary(TensorProtoSchema, proto);
    outside.push(initializerTag, varint(bytes.length), bytes);
    weights.push({ path, data: bytesOf(tensor.data) });
  }
  return { bytes: encoded(model, [...initializerChunks(inside), ...outside]), weights };
}

function encoded(model: Model, initializers: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const head = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: BigInt(Math.min(Math.max(MIN_IR_VERSION, model.irVersion), MAX_IR_VERSION)),
      producerName: model.producer,
      opsetImport: [...model.opsets].map(([domain, version]) =>
        create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
      ),
      metadataProps: [...model.metadata].map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
    }),
  );
  const graph = [
    toBinary(GraphProtoSchema, graphProto({ ...model.graph, initializers: new Map() })),
    ...initializers,
  ];
  const size = byteLengthOf(graph);
  if (head.length + size > MAX_BYTES) {
    throw new OnnxError(
      'onnx/too-large',
      `the model needs ${head.length + size} bytes and an ONNX file cannot hold more than ` +
        `${MAX_BYTES}; use a smaller model`,
    );
  }
  const { number } = ModelProtoSchema.field.graph;
  return concatBytes([head, tag(number, WIRE.bytes), varint(size), ...graph]);
}

/** Each initializer as a field of its graph, its weights as they lie in memory. */
function initializerChunks(initializers: ReadonlyMap<string, Tensor>): Uint8Array[] {
  const initializerTag = tag(GraphProtoSchema.field.initializer.number, WIRE.bytes);
  const rawTag = tag(TensorProtoSchema.field.rawData.number, WIRE.bytes);
  const chunks: Uint8Array[] = [];
  for (const [name, tensor] of initializers) {
    const proto = tensorProto(tensor, name);
    const raw = proto.rawData;
    clearField(proto, TensorProtoSchema.field.rawData);
    const head = toBinary(TensorProtoSchema, proto);
    const rawLength = varint(raw.length);
    const size = head.length + rawTag.length + rawLength.length + raw.length;
    if (tensor.type === 'string') chunks.push(initializerTag, varint(head.length), head);
    else chunks.push(initializerTag, varint(size), head, rawTag, rawLength, raw);
  }
  return chunks;
}

function byteLengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((size, chunk) => size + chunk.length, 0);
}

function graphProto(graph: Graph): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name,
    node: graph.nodes.map(nodeProto),
    input: graph.inputs.map(valueInfoProto),
    output: graph.outputs.map(valueInfoProto),
    initializer: [...graph.initializers].map(([name, tensor]) => tensorProto(tensor, name)),
  });
}

/** A node as a field of its graph. */
export function nodeField(node: Node): Uint8Array<ArrayBuffer> {
  const bytes = toBinary(NodeProtoSchema, nodeProto(node));
  const { number } = GraphProtoSchema.field.node;
  return concatBytes([tag(number, WIRE.bytes), varint(bytes.length), bytes]);
}

function nodeProto(node: Node): NodeProto {
  return create(NodeProtoSchema, {
    opType: node.op,
    domain: node.domain,
    name: node.name,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, value]) => attributeProto(name, value)),
  });
}

function attributeProto(name: string, value: Attribute): AttributeProto {
  const proto = create(AttributeProtoSchema, { name });
  if (typeof value === 'number') {
    proto.type = AttributeType.INT;
    proto.i = int64Of(value, name);
  } else if (typeof value === 'string') {
    proto.type = AttributeType.STRING;
    proto.s = utf8(value);
  } else if ('float' in value) {
    proto.type = AttributeType.FLOAT;
    proto.f = Math.fround(value.float);
  } else if ('floats' in value) {
    proto.type = AttributeType.FLOATS;
    proto.floats = value.floats.map(Math.fround);
  } else if (isTensor(value)) {
    proto.type = AttributeType.TENSOR;
    proto.t = tensorProto(value);
  } else if (isGraph(value)) {
    proto.type = AttributeType.GRAPH;
    proto.g = graphProto(value);
  } else if (isStrings(value)) {
    proto.type = AttributeType.STRINGS;
    proto.strings = value.map(utf8);
  } else {
    proto.type = AttributeType.INTS;
    proto.ints = value.map((element) => int64Of(element, name));
  }
  return proto;
}

function isStrings(value: readonly number[] | readonly string[]): value is readonly string[] {
  return typeof value[0] === 'string';
}

/** Values beyond the int64 range, which a number cannot hold exactly, become its limits. */
function int64Of(value: number, name: string): bigint {
  if (!Number.isInteger(value)) {
    throw new TypeError(`attribute ${name} is ${value}: wrap a float in float() or {floats}`);
  }
  const integer = BigInt(value);
  if (integer > INT64_MAX) return INT64_MAX;
  return integer < INT64_MIN ? INT64_MIN : integer;
}

function tensorProto(tensor: Tensor, name?: string): TensorProto {
  const proto = create(TensorProtoSchema, {
    dims: tensor.dims.map(BigInt),
    dataType: DATA_TYPE_NUMBER[tensor.type],
  });
  if (name !== undefined) proto.name = name;
  if (tensor.type === 'string') proto.stringData = tensor.data.map(utf8);
  else proto.rawData = bytesOf(tensor.data);
  return proto;
}

/** The bytes of a typed array; a view, not a copy. */
export function bytesOf(data: ArrayBufferView): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}

function valueInfoProto({ name, type, dims }: ValueInfo): ValueInfoProto {
  if (type === undefined) return create(ValueInfoProtoSchema, { name });
  const tensor = create(TypeProto_TensorSchema, { elemType: DATA_TYPE_NUMBER[type] });
  if (dims) {
    tensor.shape = create(TensorShapeProtoSchema, {
      dim: dims.map((dim) => {
        if (dim === null) return create(TensorShapeProto_DimensionSchema);
        return create(TensorShapeProto_DimensionSchema, {
          value:
            typeof dim === 'number'
              ? { case: 'dimValue', value: BigInt(dim) }
              : { case: 'dimParam', value: dim },
        });
      }),
    });
  }
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }),
  });
}

const encoder = new TextEncoder();

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}
