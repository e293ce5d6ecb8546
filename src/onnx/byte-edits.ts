import { concatBytes, varint, type Span, type WireField } from './wire.ts';

/** Bytes that replace a span of a file. */
export interface ByteEdit extends Span {
  readonly bytes: Uint8Array;
}

/** The change of a file's length by these edits. */
function sizeChange(edits: readonly ByteEdit[]): number {
  return edits.reduce((sum, { from, to, bytes }) => sum + bytes.length - (to - from), 0);
}

/**
 * Adds the edit of a submessage's length prefix where edits inside change its length. An unchanged prefix
 * keeps its bytes: an encoder may have written it in more bytes than needed.
 */
export function withLengthPrefix(
  field: WireField,
  edits: readonly ByteEdit[],
): readonly ByteEdit[] {
  const grown = sizeChange(edits);
  if (grown === 0) return edits;
  const length = field.to - field.from + grown;
  return [{ from: field.lengthAt, to: field.from, bytes: varint(length) }, ...edits];
}

/** Copies a file with edits applied, which must not overlap, and appends `added`. */
export function applyEdits(
  bytes: Uint8Array,
  edits: readonly ByteEdit[],
  added: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  // The sort is stable: insertions at the same position keep their order.
  const sorted = edits.toSorted((a, b) => a.from - b.from || a.to - b.to);
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const edit of sorted) {
    chunks.push(bytes.subarray(at, edit.from), edit.bytes);
    at = edit.to;
  }
  return concatBytes([...chunks, bytes.subarray(at), ...added]);
}
