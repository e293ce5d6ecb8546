import { Builder, type Traced } from '../graph/index.ts';
import { blockedBy, gradientPaths, type Blocker, blockersOf } from './paths.ts';
import { reversePass } from './reverse.ts';

/** Why a parameter cannot be trained. */
export interface BlockedParameter {
  readonly parameter: string;
  /** The node in the way; empty, as `op` is, where the loss does not depend on the parameter. */
  readonly node: string;
  readonly op: string;
  readonly why: string;
}

export interface Trainable {
  /** Parameters whose whole gradient can be had, in the order given. */
  readonly trainable: readonly string[];
  /** For every other parameter, each node that stands between it and the loss. */
  readonly blocked: readonly BlockedParameter[];
}

/**
 * Tells which parameters `appendGradients` can differentiate a loss by, and what is in the way of
 * the others: every parameter given is in one list or the other. One that reaches the loss by
 * several ways, one of which is closed, is cut off: the rest of its gradient would be a wrong one.
 *
 * @param traced - the graph with the type and dims of every value
 * @param loss - a value with one element
 * @param parameters - values to differentiate by
 */
export function trainable(traced: Traced, loss: string, parameters: readonly string[]): Trainable {
  const paths = gradientPaths(traced, loss, parameters);
  const stops = new Map(blockersOf(paths).map((stop) => [stop.node, stop]));
  // Rules may refuse a node for its attributes, or for what they would need of it: they are asked.
  const gradients = reversePass(new Builder(traced.graph), traced, loss, paths, (stop: Blocker) =>
    stops.set(stop.node, stop),
  );
  const cutOff = [...stops.values()].flatMap(({ node, why }) =>
    blockedBy(paths, node, parameters).map((parameter) => ({
      parameter,
      node: node.name,
      op: node.op,
      why,
    })),
  );
  const stopped = new Set(cutOff.map(({ parameter }) => parameter));
  const unreached = parameters
    .filter((parameter) => !stopped.has(parameter) && gradients(parameter) === undefined)
    .map((parameter) => ({
      parameter,
      node: '',
      op: '',
      why: 'the loss does not depend on it in a differentiable way',
    }));
  const left = new Set([...stopped, ...unreached.map(({ parameter }) => parameter)]);
  return {
    trainable: parameters.filter((parameter) => !left.has(parameter)),
    blocked: [...cutOff, ...unreached],
  };
}
