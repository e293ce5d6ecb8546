import { OnnxError } from './error.ts';

/** Protobuf's wire types. Groups (3 and 4) occur in no ONNX message and are refused. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
export type Wire = (typeof WIRE)[keyof typeof WIRE];

/** A range of a byte array: `from` is included, `to` is not. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** One field of a message, with its positions in the file. */
export interface WireField extends Span {
  readonly number: number;
  readonly wire: Wire;
  /** Start of the tag. The payload is `from` to `to`, and the whole field `start` to `to`. */
  readonly start: number;
  /** Start of the length prefix of a field of bytes; otherwise equal to `from`. */
  readonly lengthAt: number;
}

const MAX_VARINT_BYTES = 10;

/** Decodes an unsigned varint. Values above 2^53 are rounded. */
function varintAt(bytes: Uint8Array, at: number, to: number): { value: number; end: number } {
  let value = 0;
  let scale = 1;
  for (let end = at; end < at + MAX_VARINT_BYTES; end++) {
    if (end >= to) throw truncated(bytes, end, to);
    const byte = bytes[end]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, end: end + 1 };
    scale *= 128;
  }
  throw new OnnxError(
    'onnx/not-protobuf',
    `the number at byte ${at} has more than ${MAX_VARINT_BYTES} bytes: this is not an ONNX file, ` +
      'or it is damaged; fetch it again',
  );
}

/** Decodes a varint as a signed 64-bit integer. */
export function int64At(bytes: Uint8Array, at: number, to: number): { value: bigint; end: number } {
  const { end } = varintAt(bytes, at, to);
  let value = 0n;
  for (let i = end - 1; i >= at; i--) value = (value << 7n) | BigInt(bytes[i]! & 0x7f);
  return { value: BigInt.asIntN(64, value), end };
}

export function varint(value: number): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** The tag at the start of a field. */
export function tag(number: number, wire: Wire): Uint8Array<ArrayBuffer> {
  return varint(number * 8 + wire);
}

/**
 * The fields of the message in a span, in file order.
 *
 * @throws OnnxError 'onnx/truncated' where the file ends inside a field, 'onnx/not-protobuf' where
 * the bytes are not a protobuf message
 */
export function* fieldsOf(bytes: Uint8Array, span: Span): Generator<WireField, void> {
  const { to } = span;
  let start = span.from;
  while (start < to) {
    const { value, end: lengthAt } = varintAt(bytes, start, to);
    const number = Math.floor(value / 8);
    const wire = value % 8;
    if (number < 1 || number >= 2 ** 29) throw notProtobuf(start, `field number ${number}`);
    let from = lengthAt;
    let size: number;
    switch (wire) {
      case WIRE.varint:
        size = varintAt(bytes, from, to).end - from;
        break;
      case WIRE.fixed64:
        size = 8;
        break;
      case WIRE.fixed32:
        size = 4;
        break;
      case WIRE.bytes: {
        const length = varintAt(bytes, from, to);
        size = length.value;
        from = length.end;
        break;
      }
      default:
        throw notProtobuf(start, `wire type ${wire}`);
    }
    if (size > to - from) throw truncated(bytes, from + size, to);
    yield { number, wire, start, lengthAt, from, to: from + size };
    start = from + size;
  }
}

function notProtobuf(at: number, what: string): OnnxError {
  return new OnnxError(
    'onnx/not-protobuf',
    `${what} at byte ${at}: this is not an ONNX file, or it is damaged; fetch or export it again`,
  );
}

function truncated(bytes: Uint8Array, needed: number, to: number): OnnxError {
  if (to < bytes.length) return notProtobuf(to, 'a field that is longer than its message');
  return new OnnxError(
    'onnx/truncated',
    `the file ends after ${bytes.length} bytes, in the middle of a field that runs to byte ` +
      `${needed}; the file was cut off: fetch it again`,
  );
}

export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

export function textOf(bytes: Uint8Array, span: Span): string {
  return utf8.decode(bytes.subarray(span.from, span.to));
}
