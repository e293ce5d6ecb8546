import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { OnnxError } from './error.ts';
import { fieldsOf, WIRE, type Span, type Wire, type WireField } from './wire.ts';

// Three levels for each nested graph (graph, node, attribute), as the protobuf library has it.
const MAX_DEPTH = 90;

/**
 * Walks a whole file without taking memory, and refuses what protobuf readers disagree on or read
 * past: lengths beyond the enclosing message, a field of the wrong wire type, and a second value
 * for a field that has one. What passes has one meaning.
 *
 * @throws OnnxError 'onnx/truncated', 'onnx/not-protobuf' or 'onnx/unsupported' (nested too deep)
 */
export function scanModel(bytes: Uint8Array): void {
  if (bytes.length === 0) {
    throw new OnnxError('onnx/truncated', 'the file is empty; fetch or export it again');
  }
  let known = 0;
  try {
    scanMessage(bytes, { from: 0, to: bytes.length }, ModelProtoSchema, 0, () => known++);
  } catch (error) {
    throw explained(bytes, error, known);
  }
}

function scanMessage(
  bytes: Uint8Array,
  span: Span,
  message: DescMessage,
  depth: number,
  onKnown?: () => void,
): void {
  if (depth > MAX_DEPTH) {
    throw new OnnxError(
      'onnx/unsupported',
      `messages are nested more than ${MAX_DEPTH} deep at byte ${span.from}; no exporter does ` +
        'this: do not trust the file',
    );
  }
  const fields = fieldsByNumber(message);
  let seen = 0;
  for (const field of fieldsOf(bytes, span)) {
    const desc = fields.get(field.number);
    if (!desc) continue;
    checkWireType(bytes, field, desc, message);
    onKnown?.();
    if (desc.fieldKind !== 'list') {
      const bit = 1 << field.number;
      if (seen & bit) throw malformed(field, desc, message, 'is there twice');
      seen |= bit;
    }
    if (desc.message) scanMessage(bytes, field, desc.message, depth + 1);
  }
}

function checkWireType(
  bytes: Uint8Array,
  field: WireField,
  desc: DescField,
  message: DescMessage,
): void {
  const wire = wireOf(desc);
  if (field.wire === wire) return;
  const packed = desc.fieldKind === 'list' && field.wire === WIRE.bytes;
  if (!packed) throw malformed(field, desc, message, 'is of the wrong wire type');
  const size = field.to - field.from;
  const whole =
    wire === WIRE.varint
      ? size === 0 || bytes[field.to - 1]! < 0x80
      : size % (wire === WIRE.fixed32 ? 4 : 8) === 0;
  if (!whole) throw malformed(field, desc, message, 'ends in the middle of an element');
}

function wireOf(desc: DescField): Wire {
  if (desc.message) return WIRE.bytes;
  switch (desc.scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WIRE.bytes;
    case ScalarType.FLOAT:
      return WIRE.fixed32;
    case ScalarType.DOUBLE:
      return WIRE.fixed64;
    default:
      return WIRE.varint;
  }
}

const tables = new Map<DescMessage, ReadonlyMap<number, DescField>>();

function fieldsByNumber(message: DescMessage): ReadonlyMap<number, DescField> {
  let table = tables.get(message);
  if (!table) {
    table = new Map(message.fields.map((field) => [field.number, field]));
    tables.set(message, table);
  }
  return table;
}

function malformed(
  field: WireField,
  desc: DescField,
  message: DescMessage,
  what: string,
): OnnxError {
  return new OnnxError(
    'onnx/not-protobuf',
    `${message.name}.${desc.name} at byte ${field.start} ${what}: this is not an ONNX file, or ` +
      'it is damaged; fetch or export it again',
  );
}

/** A file that seems cut off before anything of ONNX was seen in it is something else. */
function explained(bytes: Uint8Array, error: unknown, known: number): unknown {
  if (!(error instanceof OnnxError)) return error;
  const opening = new TextDecoder('latin1').decode(bytes.subarray(0, 64));
  if (opening.startsWith('version https://git-lfs')) {
    return new OnnxError(
      'onnx/not-protobuf',
      'this is a Git LFS pointer, not the model itself; run "git lfs pull" where it came from',
    );
  }
  const startsAsModel = known > 0 || bytes[0] === 0x08;
  if (error.code !== 'onnx/truncated' || startsAsModel) return error;
  return new OnnxError(
    'onnx/not-protobuf',
    'this is not an ONNX file: nothing in it reads as a model; give a file that ends in .onnx',
  );
}
