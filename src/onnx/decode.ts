import { fromBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type ValueInfoProto,
} from 'onnx-buf';
import { dataTypeName, dataTypeOf } from './data-type.ts';
import { decodeTensor, decodeText, type ReadExternalData } from './decode-tensor.ts';
import { OnnxError, quoted } from './error.ts';
import type { Attribute, Dim, Graph, Model, Node, ValueInfo } from './model.ts';
import { nodeLabel } from './node.ts';
import { scanModel } from './scan.ts';
import type { Tensor } from './tensor.ts';
import { validateModel } from './validate.ts';

export interface DecodeOptions {
  /** Name of the file in messages. */
  readonly name?: string | undefined;
  /** Reads external data; without it, a model that has external data is refused. */
  readonly external?: ReadExternalData | undefined;
}

const INT64_MAX = 2n ** 63n - 1n;

/**
 * Decodes an ONNX file, with all checks for hostile files. The tensors are copies of `bytes`.
 *
 * @throws OnnxError that names the node or tensor
 */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): Model {
  try {
    scanModel(bytes);
    return validateModel(modelOf(parse(bytes), options.external));
  } catch (error) {
    if (error instanceof RangeError) {
      throw new OnnxError(
        'onnx/too-large',
        `${options.name ?? 'the model'} does not fit in memory: ${error.message}`,
        { cause: error },
      );
    }
    if (!(error instanceof OnnxError) || options.name === undefined) throw error;
    throw new OnnxError(error.code, `${options.name}: ${error.message}`, {
      cause: error,
    });
  }
}

function parse(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new OnnxError(
      'onnx/not-protobuf',
      `the file does not read as an ONNX model (${String(cause)}); fetch or export it again`,
      { cause },
    );
  }
}

function modelOf(proto: ModelProto, external: ReadExternalData | undefined): Model {
  if (!proto.graph) {
    throw new OnnxError(
      'onnx/no-graph',
      'the file holds no graph; it is not a model, or it is damaged: export it again',
    );
  }
  if (proto.trainingInfo.length > 0) {
    throw new OnnxError(
      'onnx/unsupported',
      'the file holds training information; export the model for inference',
    );
  }
  const [fn] = proto.functions;
  if (fn) {
    throw new OnnxError(
      'onnx/unsupported',
      `the file defines functions of its own (${quoted(fn.name)}); inline them first, with ` +
        'onnx.inliner.inline_local_functions',
    );
  }
  return {
    irVersion: Number(proto.irVersion),
    opsets: opsetsOf(proto),
    producer: proto.producerName,
    metadata: new Map(proto.metadataProps.map(({ key, value }) => [key, value])),
    graph: graphOf(proto.graph, external),
  };
}

function opsetsOf(proto: ModelProto): ReadonlyMap<string, number> {
  const opsets = new Map<string, number>();
  for (const entry of proto.opsetImport) {
    const domain = standardDomain(entry.domain);
    const version = Number(entry.version);
    const other = opsets.get(domain);
    if (other !== undefined && other !== version) {
      throw new OnnxError(
        'onnx/duplicate-name',
        `the file imports two opsets of the domain ${quoted(domain)}, ${other} and ${version}; ` +
          'export it again',
      );
    }
    opsets.set(domain, version);
  }
  return opsets;
}

function standardDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function graphOf(proto: GraphProto, external: ReadExternalData | undefined): Graph {
  const [sparse] = proto.sparseInitializer;
  if (sparse) {
    throw new OnnxError(
      'onnx/unsupported',
      `the tensor ${quoted(sparse.values?.name ?? '')} is sparse; export the model with dense weights`,
    );
  }
  const initializers = new Map<string, Tensor>();
  for (const tensor of proto.initializer) {
    if (initializers.has(tensor.name)) {
      throw new OnnxError(
        'onnx/duplicate-name',
        `two initializers are named ${quoted(tensor.name)}, so readers may see different weights; ` +
          'do not trust the file: export it again from the source',
      );
    }
    initializers.set(tensor.name, decodeTensor(tensor, external));
  }
  return {
    name: proto.name,
    inputs: proto.input.filter(({ name }) => !initializers.has(name)).map(valueInfoOf),
    outputs: proto.output.map(valueInfoOf),
    nodes: proto.node.map((node) => nodeOf(node, external)),
    initializers,
  };
}

function valueInfoOf(proto: ValueInfoProto): ValueInfo {
  const where = `the graph input or output ${quoted(proto.name)}`;
  const value = proto.type?.value;
  if (value?.case === undefined) return { name: proto.name };
  if (value.case !== 'tensorType') {
    throw new OnnxError(
      'onnx/unsupported',
      `${where} is not a dense tensor but a ${value.case.replace('Type', '')}; export the model ` +
        'with tensors only',
    );
  }
  const { elemType, shape } = value.value;
  const type = dataTypeOf(elemType);
  if (!type) {
    throw new OnnxError(
      'onnx/tensor-type',
      `${where} has element type ${dataTypeName(elemType)}, which is not supported; export the model ` +
        'with float32 inputs and outputs',
    );
  }
  if (!shape) return { name: proto.name, type };
  const dims = shape.dim.map(({ value }): Dim => {
    if (value.case === 'dimParam') return value.value === '' ? null : value.value;
    // Some exporters write -1 for an unknown dimension.
    if (value.case === 'dimValue') return value.value < 0n ? null : Number(value.value);
    return null;
  });
  return { name: proto.name, type, dims };
}

function nodeOf(proto: NodeProto, external: ReadExternalData | undefined): Node {
  const label = nodeLabel({ op: proto.opType, name: proto.name, outputs: proto.output });
  const attributes = new Map<string, Attribute>();
  for (const attribute of proto.attribute) {
    if (attributes.has(attribute.name)) {
      throw new OnnxError(
        'onnx/attribute',
        `${label} has two attributes ${quoted(attribute.name)}; do not trust the file: export it ` +
          'again from the source',
      );
    }
    attributes.set(attribute.name, attributeOf(attribute, label, external));
  }
  return {
    op: proto.opType,
    domain: standardDomain(proto.domain),
    name: proto.name,
    inputs: proto.input,
    outputs: proto.output,
    attributes: Object.fromEntries(attributes),
  };
}

function attributeOf(
  proto: AttributeProto,
  label: string,
  external: ReadExternalData | undefined,
): Attribute {
  const where = `the attribute ${quoted(proto.name)} of ${label}`;
  switch (proto.type) {
    case AttributeType.FLOAT:
      return { float: proto.f };
    case AttributeType.INT:
      return integerOf(proto.i, where);
    case AttributeType.STRING:
      return decodeText(proto.s, where);
    case AttributeType.FLOATS:
      return { floats: proto.floats };
    case AttributeType.INTS:
      return proto.ints.map((value) => integerOf(value, where));
    case AttributeType.STRINGS:
      return proto.strings.map((bytes) => decodeText(bytes, where));
    case AttributeType.TENSOR:
      if (proto.t) return decodeTensor(proto.t, external);
      break;
    case AttributeType.GRAPH:
      if (proto.g) return graphOf(proto.g, external);
      break;
    default:
      throw new OnnxError(
        'onnx/attribute',
        `${where} is of type ${AttributeType[proto.type] ?? proto.type}, which is not supported; ` +
          'export the model with standard operators only',
      );
  }
  throw new OnnxError('onnx/attribute', `${where} has no value; export the model again`);
}

/** 2^63 - 1 ("to the end" in Slice) passes as a limit; other integers that a number would round do not. */
function integerOf(value: bigint, where: string): number {
  const number = Number(value);
  if (BigInt(number) === value || value === INT64_MAX) return number;
  throw new OnnxError(
    'onnx/attribute',
    `${where} is ${value}, which a JavaScript number cannot hold exactly; export ` +
      'the model again with smaller integers',
  );
}
