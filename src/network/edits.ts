import type { Node } from '../onnx/index.ts';

/**
 * Nodes put into a graph after the node that produces a value. They make the value instead; so every
 * reader of the value, also in the body of an If, reads what they make.
 */
export interface InsertedNodes {
  /** The value, which keeps its name. */
  readonly value: string;
  /** The new name of what the nodes read in its place. */
  readonly renamed: string;
  /**
   * The nodes, in order. Their operators have the same form in every opset that a model may use, as
   * Mul has: they are written into a file of any of them.
   */
  readonly nodes: readonly Node[];
  /** Initializers of the working graph that the nodes read. */
  readonly constants: readonly string[];
}

/** What was changed in the working graph of a network. The same is changed in its file, and nothing else. */
export interface Edits {
  /** Initializers whose values may have changed. */
  readonly weights: ReadonlySet<string>;
  /** In the order in which they were inserted. */
  readonly insertions: readonly InsertedNodes[];
}

export const NO_EDITS: Edits = { weights: new Set(), insertions: [] };

/** First some edits, then others. */
export function mergeEdits(first: Edits, then: Edits): Edits {
  return {
    weights: new Set([...first.weights, ...then.weights]),
    insertions: [...first.insertions, ...then.insertions],
  };
}

/** Edits of weights alone, such as training makes. */
export function weightEdits(weights: Iterable<string>): Edits {
  return { weights: new Set(weights), insertions: [] };
}
