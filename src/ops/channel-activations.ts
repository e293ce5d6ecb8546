import type { Node } from '../onnx/index.ts';
import { given, numbers } from './channel-answers.ts';
import type { KnownOf } from './channel-rule.ts';

/** What is known of a nonlinear operator that can make a site's activation. */
export interface Activation {
  /**
   * From where on down an element is at rest: f(x) is 0, or next to it, or (with a leak) what no
   * layer takes for an activation. Absent where there is no such place, as with Tanh.
   */
  rest(node: Node, known?: KnownOf): number | undefined;
  /**
   * Whether the operator may also be a factor of what it activates or gates, as in x σ(x): `often`
   * where it is nothing but a gate when it multiplies another value, `only` where it never is an
   * activation by itself.
   */
  readonly gate?: 'sometimes' | 'often' | 'only' | undefined;
}

const restsAt = (point?: number): Activation => ({ rest: () => point });
const gate = (gate: Activation['gate'] & string, point?: number): Activation => ({
  rest: () => point,
  gate,
});

/** Where smooth activations are below 1e-6 of what they can be. */
const SMOOTH = -20;

const activations: Readonly<Record<string, Activation>> = {
  Celu: restsAt(0),
  Clip: {
    gate: 'sometimes',
    rest: (node, known) => (given(node, 1) ? numbers(node, 1, known)?.[0] : undefined),
  },
  Elu: restsAt(0),
  Erf: gate('only', -6),
  Gelu: restsAt(-6),
  HardSigmoid: gate('often', -3),
  HardSwish: restsAt(-3),
  LeakyRelu: restsAt(0),
  Mish: restsAt(SMOOTH),
  PRelu: restsAt(0),
  Relu: restsAt(0),
  Selu: restsAt(0),
  Sigmoid: gate('often', SMOOTH),
  Softplus: restsAt(SMOOTH),
  Softsign: restsAt(),
  Swish: restsAt(SMOOTH),
  Tanh: gate('sometimes'),
  ThresholdedRelu: restsAt(0),
};

export function activationOf(node: Node): Activation | undefined {
  return node.domain === '' ? activations[node.op] : undefined;
}
