import type { Node } from '../onnx/index.ts';

/**
 * Nodes inserted into a graph after the node that produces a value. They produce the value in its place, so
 * every reader, also in the body of an If, reads their result.
 */
export interface InsertedNodes {
  /** The value, which keeps its name. */
  readonly value: string;
  /** The new name of the original value, which the nodes read. */
  readonly renamed: string;
  /**
   * The nodes, in order. Their operators, such as Mul, are the same in every opset that a model may use,
   * because they are written into files of any opset.
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

/** Merges edits that were made one after the other. */
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
