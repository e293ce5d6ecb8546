import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
} from 'onnx-buf';
import { applyEdits, withLengthPrefix, type ByteEdit } from './byte-edits.ts';
import { nodeField } from './encode.ts';
import { OnnxError, quoted } from './error.ts';
import type { Node } from './model.ts';
import { patchTensor, tensorName } from './patch-tensor.ts';
import { scanModel } from './scan.ts';
import type { Tensor } from './tensor.ts';
import {
  concatBytes,
  fieldsOf,
  tag,
  textOf,
  varint,
  WIRE,
  type Span,
  type WireField,
} from './wire.ts';

const MODEL = ModelProtoSchema.field;
const GRAPH = GraphProtoSchema.field;
const NODE = NodeProtoSchema.field;
const ATTRIBUTE = AttributeProtoSchema.field;

/** Nodes to insert directly after the node that produces a value. */
export interface Insertion {
  /** New name of that node's output. One of the inserted nodes produces the old name. */
  readonly renamed: string;
  readonly nodes: readonly Node[];
}

/**
 * Replaces values of tensors in the main graph of a file. Values are overwritten in place, and all other
 * bytes stay the same. Only values that cannot be overwritten in place (typed data that are not packed or
 * are varints, and external data) move into the tensor as raw data, and enclosing lengths are corrected.
 *
 * @param bytes - an ONNX file that `decodeModel` accepts
 * @param changes - new values by initializer name, or by the output of a Constant node, with the type and
 *   dims of the file
 * @param metadata - entries to add to the file's metadata; they replace entries with the same keys
 * @param insertions - nodes to insert, by the value that they replace for all its readers, also those in the
 *   body of an If
 * @throws OnnxError 'onnx/dangling-name', 'onnx/tensor-type' or 'onnx/tensor-size' for a change that
 *   does not fit the file, 'onnx/unsupported' for a tensor of strings
 */
export function patchModel(
  bytes: Uint8Array,
  changes: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
  insertions: ReadonlyMap<string, Insertion> = new Map(),
): Uint8Array<ArrayBuffer> {
  scanModel(bytes);
  const missing = new Set([...changes.keys(), ...insertions.keys()]);
  const pending: PendingChanges = {
    tensor(name) {
      missing.delete(name);
      return changes.get(name);
    },
    insertion(name) {
      const found = insertions.get(name);
      if (found) missing.delete(name);
      return found;
    },
  };
  const replaced = new Map(Object.entries(metadata));
  const edits: ByteEdit[] = [];
  for (const field of fieldsOf(bytes, { from: 0, to: bytes.length })) {
    if (field.number === MODEL.graph.number) {
      edits.push(...withLengthPrefix(field, patchGraph(bytes, field, pending)));
    } else if (field.number === MODEL.metadataProps.number) {
      const key = textAt(bytes, field, StringStringEntryProtoSchema.field.key.number);
      if (replaced.has(key)) edits.push({ from: field.start, to: field.to, bytes: NO_BYTES });
    }
  }
  const [name] = missing;
  if (name !== undefined) {
    throw new OnnxError(
      'onnx/dangling-name',
      `no initializer, Constant or output of a node of the main graph is named ${quoted(name)}, so ` +
        'it cannot be changed; give a name that the file has',
    );
  }
  return applyEdits(bytes, edits, [...replaced].map(metadataRecord));
}

const NO_BYTES = new Uint8Array();

interface PendingChanges {
  tensor(name: string): Tensor | undefined;
  insertion(value: string): Insertion | undefined;
}

function patchGraph(bytes: Uint8Array, graph: Span, pending: PendingChanges): readonly ByteEdit[] {
  const edits: ByteEdit[] = [];
  for (const field of fieldsOf(bytes, graph)) {
    if (field.number === GRAPH.initializer.number) {
      const name = tensorName(bytes, field);
      const tensor = pending.tensor(name);
      if (tensor) edits.push(...withLengthPrefix(field, patchTensor(bytes, field, name, tensor)));
    } else if (field.number === GRAPH.node.number) {
      edits.push(...withLengthPrefix(field, patchConstant(bytes, field, pending)));
      edits.push(...insertAfter(bytes, field, pending));
    }
  }
  return edits;
}

function insertAfter(
  bytes: Uint8Array,
  node: WireField,
  pending: PendingChanges,
): readonly ByteEdit[] {
  for (const output of fieldsOf(bytes, node)) {
    if (output.number !== NODE.output.number) continue;
    const insertion = pending.insertion(textOf(bytes, output));
    if (!insertion) continue;
    const name = new TextEncoder().encode(insertion.renamed);
    const renamed = withLengthPrefix(output, [{ from: output.from, to: output.to, bytes: name }]);
    const after = {
      from: node.to,
      to: node.to,
      bytes: concatBytes(insertion.nodes.map(nodeField)),
    };
    return [...withLengthPrefix(node, renamed), after];
  }
  return [];
}

function patchConstant(
  bytes: Uint8Array,
  node: Span,
  pending: PendingChanges,
): readonly ByteEdit[] {
  if (textAt(bytes, node, NODE.opType.number) !== 'Constant') return [];
  const domain = textAt(bytes, node, NODE.domain.number);
  if (domain !== '' && domain !== 'ai.onnx') return [];
  for (const attribute of fieldsOf(bytes, node)) {
    if (attribute.number !== NODE.attribute.number) continue;
    if (textAt(bytes, attribute, ATTRIBUTE.name.number) !== 'value') continue;
    for (const value of fieldsOf(bytes, attribute)) {
      if (value.number !== ATTRIBUTE.t.number) continue;
      const name = textAt(bytes, node, NODE.output.number);
      const tensor = pending.tensor(name);
      if (!tensor) return [];
      return withLengthPrefix(
        attribute,
        withLengthPrefix(value, patchTensor(bytes, value, name, tensor)),
      );
    }
  }
  return [];
}

/** The text of the first field with this number in a message; '' where there is none. */
function textAt(bytes: Uint8Array, message: Span, number: number): string {
  for (const field of fieldsOf(bytes, message)) {
    if (field.number === number) return textOf(bytes, field);
  }
  return '';
}

function metadataRecord([key, value]: readonly [string, string]): Uint8Array {
  const entry = toBinary(
    StringStringEntryProtoSchema,
    create(StringStringEntryProtoSchema, { key, value }),
  );
  const start = tag(MODEL.metadataProps.number, WIRE.bytes);
  return concatBytes([start, varint(entry.length), entry]);
}
