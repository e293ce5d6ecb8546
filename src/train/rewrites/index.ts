import type { Traced } from '../../graph/index.ts';
import { convAsProduct } from './conv-as-product.ts';
import { poolBeforeRelu } from './pool-before-relu.ts';
import { poolByPhases } from './pool-by-phases.ts';
import { rewrite } from './rewriter.ts';

/** A forward graph written so that it, and above all its gradient, runs faster; the same function. */
export function fasterToTrain(traced: Traced, parameters: readonly string[]): Traced {
  return [poolBeforeRelu, poolByPhases, convAsProduct].reduce(
    (graph, step) => rewrite(graph, parameters, step),
    traced,
  );
}
