import type { Node } from '../onnx/index.ts';

/** Nodes put into a graph after the node that made a value: they make the value now. */
export interface InsertedNodes {
  /** The value, under the name that it keeps. */
  readonly value: string;
  /** What the value that went in is called from then on. */
  readonly renamed: string;
  readonly nodes: readonly Node[];
  /** Initializers of the working graph that the nodes read. */
  readonly constants: readonly string[];
}

/** What was changed in the working graph of a network. The file is given the same, and nothing else. */
export interface Edits {
  /** Initializers whose numbers may have changed. */
  readonly weights: ReadonlySet<string>;
  /** In the order in which they were put in. */
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
