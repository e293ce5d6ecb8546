/**
 * The base class of all errors that a user can cause. `code` is stable, for scripts. The message says
 * what is wrong, where, and what to do.
 */
export class FinepruneError<Code extends string = string> extends Error {
  override readonly name: string = 'FinepruneError';
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type OnnxErrorCode =
  | 'onnx/truncated'
  | 'onnx/not-protobuf'
  | 'onnx/no-graph'
  | 'onnx/no-opset'
  | 'onnx/opset-too-new'
  | 'onnx/opset-too-old'
  | 'onnx/unknown-domain'
  | 'onnx/dangling-name'
  | 'onnx/duplicate-name'
  | 'onnx/cycle'
  | 'onnx/tensor-size'
  | 'onnx/tensor-both-data'
  | 'onnx/tensor-type'
  | 'onnx/tensor-nan'
  | 'onnx/external-outside'
  | 'onnx/external-missing'
  | 'onnx/external-range'
  | 'onnx/attribute'
  | 'onnx/too-large'
  | 'onnx/unreadable'
  | 'onnx/unsupported';

/** An ONNX file that cannot be used. */
export class OnnxError extends FinepruneError<OnnxErrorCode> {
  override readonly name = 'OnnxError';
}

const SHOWN_CHARACTERS = 80;

/**
 * Quotes a name from a file for a message, shortens it, and escapes control characters: names in a hostile
 * file may contain terminal commands.
 */
export function quoted(name: string): string {
  const shown = name.length > SHOWN_CHARACTERS ? `${name.slice(0, SHOWN_CHARACTERS)}...` : name;
  return JSON.stringify(shown).replace(
    // C1 controls, line separators and bidirectional overrides, which JSON does not escape.
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
