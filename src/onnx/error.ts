/**
 * The base of every error a person can cause. `code` is stable and made for scripts; the message
 * says what was wrong, where, and what to do about it.
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

/** An ONNX file that cannot be used, and why. */
export class OnnxError extends FinepruneError<OnnxErrorCode> {
  override readonly name = 'OnnxError';
}

const SHOWN_CHARACTERS = 80;

/**
 * A name from a file, fit for a message: in quotes, of bounded length, and with control characters
 * escaped, since a hostile file may hold terminal commands in its names.
 */
export function quoted(name: string): string {
  const shown = name.length > SHOWN_CHARACTERS ? `${name.slice(0, SHOWN_CHARACTERS)}...` : name;
  return JSON.stringify(shown).replace(
    // C1 controls, line separators and bidirectional overrides, which JSON leaves alone.
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
