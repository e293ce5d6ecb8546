import type { Node } from '../onnx/index.ts';
import type { KnownOf } from './channel-rule.ts';

/** A nonlinear operator that can make the activation of a site. */
export interface Activation {
  /**
   * The point below which an element is at rest: f(x) is 0, close to 0, or (with a leak) too small to
   * count as an activation. `undefined` if there is no such point, as for Tanh.
   */
  rest(node: Node, known?: KnownOf): number | undefined;
  /**
   * Whether the operator may also be a factor of what it activates or gates, as in x σ(x). `often`: it
   * is only a gate if it multiplies another value. `only`: it is never an activation by itself.
   */
  readonly gate?: 'sometimes' | 'often' | 'only' | undefined;
}

export function restsAt(point?: number): Activation {
  return { rest: () => point };
}

export function gate(kind: Activation['gate'] & string, point?: number): Activation {
  return { rest: () => point, gate: kind };
}

/** Where smooth activations are below 1e-6 of their largest value. */
export const SMOOTH_REST = -20;
