import type { Builder } from '../graph/index.ts';
import { float32 } from '../onnx/index.ts';

/** Names of the values that a loss adds to a graph. */
export interface Loss {
  /** Weighted mean loss of the batch; dims []. */
  readonly loss: string;
  /** Total weight of the correctly classified samples; dims []. */
  readonly correct: string;
}

/**
 * Adds softmax cross-entropy with integer labels to a graph: −Σ wᵢ log p(yᵢ) / Σ wᵢ.
 *
 * @param logits - dims [batch, classes], before any softmax
 * @param labels - int64, dims [batch]
 * @param weights - float32, dims [batch]; 0 excludes a sample, for example the padding of a short batch
 * @param classes - the number of classes
 * @param smoothing - label smoothing in [0, 1): the share of the target probability that is spread evenly
 *   over all classes (Szegedy et al. 2016, section 7); default 0
 */
export function crossEntropy(
  b: Builder,
  {
    logits,
    labels,
    weights,
    classes,
    smoothing = 0,
  }: {
    logits: string;
    labels: string;
    weights: string;
    classes: number;
    smoothing?: number | undefined;
  },
): Loss {
  const spread = smoothing / classes;
  const hot = b.constant(float32([2], [spread, 1 - smoothing + spread]));
  const depth = b.ints([classes]);
  const target = b.op('OneHot', [labels, depth, hot], { axis: -1 });
  const column = b.op('Unsqueeze', [weights, b.ints([1])]);
  const total = b.op('ReduceSum', [weights], { keepdims: 0 });
  const logProbability = b.op('LogSoftmax', [logits], { axis: -1 });
  const share = b.op('Div', [b.op('Mul', [target, column]), total]);
  const sum = b.op('ReduceSum', [b.op('Mul', [logProbability, share])], { keepdims: 0 });
  const right = b.op('Equal', [b.op('ArgMax', [logits], { axis: -1, keepdims: 0 }), labels]);
  const counted = b.op('Mul', [b.op('Cast', [right], { to: 1 }), weights]);
  return {
    loss: b.op('Neg', [sum], {}, 'loss'),
    correct: b.op('ReduceSum', [counted], { keepdims: 0 }, 'correct'),
  };
}
