import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { OnnxError } from './error.ts';
import { fieldsOf, WIRE, type Span, type Wire, type WireField } from './wire.ts';

// Three levels for each nested graph (graph, node, attribute); the limit of the protobuf library.
const MAX_DEPTH = 90;

// Memory that the protobuf library takes for each part, which may be one or two bytes in the file, measured
// on Node 20, and the limit of the sum. It allows 2 million nodes, or 44 million weights that are not raw
// data.
const MEMORY_OF = { message: 400, bytes: 100, varint: 32, fixed: 24 } as const;
const MAX_MEMORY = 2 ** 30;

interface Scan {
  readonly bytes: Uint8Array;
  /** Number of ONNX fields seen. */
  known: number;
  memory: number;
}

/**
 * Checks a whole file without taking memory. Refuses what protobuf readers interpret differently or ignore:
 * lengths beyond the enclosing message, wrong wire types, and repeated values of a singular field. A file
 * that passes has one meaning, and decoding it takes bounded memory.
 *
 * @throws OnnxError 'onnx/truncated', 'onnx/not-protobuf', 'onnx/too-large', or 'onnx/unsupported'
 * (nested too deep)
 */
export function scanModel(bytes: Uint8Array): void {
  if (bytes.length === 0) {
    throw new OnnxError('onnx/truncated', 'the file is empty; fetch or export it again');
  }
  const scan: Scan = { bytes, known: 0, memory: 0 };
  try {
    scanMessage(scan, { from: 0, to: bytes.length }, ModelProtoSchema, 0);
  } catch (error) {
    throw withLikelyCause(scan, error);
  }
}

function scanMessage(scan: Scan, span: Span, message: DescMessage, depth: number): void {
  if (depth > MAX_DEPTH) {
    throw new OnnxError(
      'onnx/unsupported',
      `messages are nested more than ${MAX_DEPTH} deep at byte ${span.from}; no exporter does ` +
        'this: do not trust the file',
    );
  }
  const fields = fieldsByNumber(message);
  let seen = 0;
  for (const field of fieldsOf(scan.bytes, span)) {
    const desc = fields.get(field.number);
    if (!desc) continue;
    checkWireType(scan.bytes, field, desc, message);
    scan.known++;
    countMemory(scan, field, desc, message);
    if (desc.fieldKind !== 'list') {
      const bit = 1 << field.number;
      if (seen & bit) throw malformed(field, desc, message, 'occurs twice');
      seen |= bit;
    }
    if (desc.message) scanMessage(scan, field, desc.message, depth + 1);
  }
}

/** Counts memory before it is taken: running out of memory would end the process. */
function countMemory(scan: Scan, field: WireField, desc: DescField, message: DescMessage): void {
  const size = field.to - field.from;
  const wire = wireOf(desc);
  if (desc.message) scan.memory += MEMORY_OF.message;
  else if (wire === WIRE.bytes) scan.memory += MEMORY_OF.bytes;
  else if (wire === WIRE.varint) scan.memory += MEMORY_OF.varint * size;
  else scan.memory += MEMORY_OF.fixed * (size / (wire === WIRE.fixed32 ? 4 : 8));
  if (scan.memory <= MAX_MEMORY) return;
  throw new OnnxError(
    'onnx/too-large',
    `reading the file would take too much memory, from ${message.name}.${desc.name} at byte ` +
      `${field.start} on: it has too many parts, or weights that are not stored as raw data; load ` +
      'its weights with onnx.numpy_helper.to_array, put them back with from_array, and save it again',
  );
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

/** A file that ends before any ONNX field was seen is some other kind of file. */
function withLikelyCause({ bytes, known }: Scan, error: unknown): unknown {
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
