import { Builder, type Traced } from '../graph/index.ts';
import { blockedBy, gradientPaths, type Blocker, blockersOf } from './paths.ts';
import { reversePass } from './reverse.ts';

/** Why a parameter cannot be trained. */
export interface BlockedParameter {
  readonly parameter: string;
  /** Name of the blocking node; empty, as is `op`, where the loss does not depend on the parameter. */
  readonly node: string;
  readonly op: string;
  readonly why: string;
}

export interface Trainable {
  /** Parameters that have a complete gradient, in the order given. */
  readonly trainable: readonly string[];
  /** For each other parameter, the nodes that block its gradient. */
  readonly blocked: readonly BlockedParameter[];
}

/**
 * Finds the parameters for which `appendGradients` has gradients, and the nodes that block the others.
 * Each parameter is in one of the two lists. A parameter with one blocked path among several is blocked:
 * a part of its gradient would be wrong.
 *
 * @param traced - the graph with the type and dims of every value
 * @param loss - name of a value with one element
 * @param parameters - names of the values to differentiate with respect to
 */
export function trainable(traced: Traced, loss: string, parameters: readonly string[]): Trainable {
  const paths = gradientPaths(traced, loss, parameters);
  const blockers = new Map(blockersOf(paths).map((blocker) => [blocker.node, blocker]));
  // Rules may refuse a node for its attributes: only running them shows it.
  const gradients = reversePass(
    new Builder(traced.graph),
    traced,
    loss,
    paths,
    (blocker: Blocker) => blockers.set(blocker.node, blocker),
  );
  const blocked = [...blockers.values()].flatMap(({ node, why }) =>
    blockedBy(paths, node, parameters).map((parameter) => ({
      parameter,
      node: node.name,
      op: node.op,
      why,
    })),
  );
  const names = new Set(blocked.map(({ parameter }) => parameter));
  const unreached = parameters
    .filter((parameter) => !names.has(parameter) && gradients(parameter) === undefined)
    .map((parameter) => ({
      parameter,
      node: '',
      op: '',
      why: 'the loss does not depend on it in a differentiable way',
    }));
  const left = new Set([...names, ...unreached.map(({ parameter }) => parameter)]);
  return {
    trainable: parameters.filter((parameter) => !left.has(parameter)),
    blocked: [...blocked, ...unreached],
  };
}
