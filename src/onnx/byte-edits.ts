import { concatBytes, varint, type Span, type WireField } from './wire.ts';

/** Bytes to put in place of a span of a file. */
export interface ByteEdit extends Span {
  readonly bytes: Uint8Array;
}

/** How much longer a file gets by these edits. */
function sizeChange(edits: readonly ByteEdit[]): number {
  return edits.reduce((sum, { from, to, bytes }) => sum + bytes.length - (to - from), 0);
}

/**
 * Edits inside a submessage, with its length put right where they change it. A length that stays
 * is not touched: an encoder may have written it in more bytes than needed.
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

/** A copy of a file with edits applied, which must not overlap, and bytes added at its end. */
export function applyEdits(
  bytes: Uint8Array,
  edits: readonly ByteEdit[],
  added: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  // A stable sort: what is inserted at one place keeps its order.
  const sorted = edits.toSorted((a, b) => a.from - b.from || a.to - b.to);
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const edit of sorted) {
    chunks.push(bytes.subarray(at, edit.from), edit.bytes);
    at = edit.to;
  }
  return concatBytes([...chunks, bytes.subarray(at), ...added]);
}
