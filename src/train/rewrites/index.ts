import type { Traced } from '../../graph/index.ts';
import { batchStatistics } from './batch-statistics.ts';
import { convAsMatmul } from './conv-as-matmul.ts';
import { convByWinograd } from './winograd.ts';
import { depthwiseAsMatmul } from './depthwise-as-matmul.ts';
import { poolBeforeRelu } from './pool-before-relu.ts';
import { polyphasePool } from './polyphase-pool.ts';
import { poolWithIndices } from './pool-with-indices.ts';
import { rewrite } from './rewriter.ts';

const REWRITES = [
  poolBeforeRelu,
  polyphasePool,
  poolWithIndices,
  depthwiseAsMatmul,
  convByWinograd,
  convAsMatmul,
  batchStatistics,
];

/** Rewrites a forward graph so that it, and above all its gradient, runs faster. The function stays the same. */
export function rewriteForTraining(traced: Traced, parameters: readonly string[]): Traced {
  return REWRITES.reduce((graph, step) => rewrite(graph, parameters, step), traced);
}
