import type { Builder } from '../graph/index.ts';

/** Stochastic gradient descent with momentum and L2 weight decay, as PyTorch's `SGD`. */
export interface SgdSettings {
  readonly kind: 'sgd';
  readonly momentum?: number;
  readonly weightDecay?: number;
}

/** Adam (Kingma & Ba 2015) with L2 weight decay, as PyTorch's `Adam`. */
export interface AdamSettings {
  readonly kind: 'adam';
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly weightDecay?: number;
}

export type OptimiserSettings = SgdSettings | AdamSettings;

/** How many moments an optimiser keeps for each parameter. */
export function momentsOf(settings: OptimiserSettings): number {
  if (settings.kind === 'adam') return 2;
  return (settings.momentum ?? 0) === 0 ? 0 : 1;
}

interface Update {
  readonly parameter: string;
  readonly gradient: string;
  readonly moments: readonly string[];
  /** Learning rate, dims []. */
  readonly rate: string;
  /** Number of this step from 1, as a float, dims []. */
  readonly step: string;
  /**
   * A tensor's own learning rate as a multiple of the common one; default 1. SGD multiplies the
   * gradient before decay is added, so that a step shrinks all tensors alike; Adam, to which the
   * size of gradients is nothing, the step.
   */
  readonly scale?: number;
}

/** Writes one update: the next values of the parameter and of its moments. */
export function appendUpdate(
  b: Builder,
  settings: OptimiserSettings,
  update: Update,
): { parameter: string; moments: readonly string[] } {
  const { parameter, rate } = update;
  const times = (value: string, factor: number) =>
    factor === 1 ? value : b.op('Mul', [value, b.scalar(factor)]);
  const scale = update.scale ?? 1;
  const decay = settings.weightDecay ?? 0;
  const decayed = (gradient: string) =>
    decay === 0 ? gradient : b.op('Add', [gradient, times(parameter, decay)]);
  if (settings.kind === 'adam') {
    const own = { ...update, rate: times(rate, scale) };
    return adam(b, settings, own, decayed(update.gradient));
  }
  const g = decayed(times(update.gradient, scale));
  const momentum = settings.momentum ?? 0;
  if (momentum === 0) {
    return { parameter: b.op('Sub', [parameter, b.op('Mul', [g, rate])]), moments: [] };
  }
  // m ← μ m + g;  p ← p − η m
  const m = b.op('Add', [b.op('Mul', [update.moments[0] as string, b.scalar(momentum)]), g]);
  return { parameter: b.op('Sub', [parameter, b.op('Mul', [m, rate])]), moments: [m] };
}

/** m ← β₁ m + (1−β₁) g;  v ← β₂ v + (1−β₂) g²;  p ← p − η m̂ / (√v̂ + ε) */
function adam(b: Builder, settings: AdamSettings, update: Update, g: string) {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = settings;
  const [m0, v0] = update.moments as [string, string];
  const blend = (old: string, now: string, beta: number) =>
    b.op('Add', [b.op('Mul', [old, b.scalar(beta)]), b.op('Mul', [now, b.scalar(1 - beta)])]);
  const correction = (beta: number) =>
    b.op('Sub', [b.scalar(1), b.op('Pow', [b.scalar(beta), update.step])]);
  const m = blend(m0, g, beta1);
  const v = blend(v0, b.op('Mul', [g, g]), beta2);
  const scale = b.op('Div', [update.rate, correction(beta1)]);
  const root = b.op('Sqrt', [b.op('Div', [v, correction(beta2)])]);
  const move = b.op('Div', [b.op('Mul', [m, scale]), b.op('Add', [root, b.scalar(epsilon)])]);
  return { parameter: b.op('Sub', [update.parameter, move]), moments: [m, v] };
}
