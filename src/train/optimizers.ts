import { add, div, compileLoop, type WasmMemory, mul, sqrt, sub } from './wasm-simd.ts';

/** Stochastic gradient descent with momentum and L2 weight decay, equal to PyTorch's `SGD`. */
export interface SgdSettings {
  readonly kind: 'sgd';
  readonly momentum?: number | undefined;
  readonly weightDecay?: number | undefined;
}

/** Adam (Kingma & Ba 2015) with L2 weight decay, equal to PyTorch's `Adam`. */
export interface AdamSettings {
  readonly kind: 'adam';
  readonly beta1?: number | undefined;
  readonly beta2?: number | undefined;
  readonly epsilon?: number | undefined;
  readonly weightDecay?: number | undefined;
}

export type OptimizerSettings = SgdSettings | AdamSettings;

/** The number of arrays of moments that an optimizer keeps for each parameter. */
export function momentsOf(settings: OptimizerSettings): number {
  if (settings.kind === 'adam') return 2;
  return (settings.momentum ?? 0) === 0 ? 0 : 1;
}

/** Scalars of one step. */
interface StepScalars {
  readonly rate: number;
  /** Number of the step, from 1. */
  readonly step: number;
  /**
   * Multiplier of the learning rate for one tensor. SGD multiplies the gradient before weight decay is
   * added, so that all tensors decay at the same rate. Adam multiplies the step, since the scale of the
   * gradient does not change an Adam step.
   */
  readonly scale: number;
}

/** Takes the addresses of the parameter, its gradient and its moments, and their common length in bytes. */
export type Update = (arrays: readonly number[], bytes: number, scalars: StepScalars) => void;

/** The optimizer's update of one parameter. It changes the parameter and its moments in place. */
export function updateRule(memory: WasmMemory, settings: OptimizerSettings): Update {
  return settings.kind === 'adam' ? adam(memory, settings) : sgd(memory, settings);
}

/** m ← μ m + g;  p ← p − η m */
function sgd(memory: WasmMemory, settings: SgdSettings): Update {
  const { momentum = 0, weightDecay = 0 } = settings;
  const arrays = 2 + momentsOf(settings);
  const run = compileLoop(memory, { arrays, scalars: 4 }, ({ array, scalar }) => {
    const [p, g] = [array(0), array(1)];
    const [rate, scale, decay, kept] = [scalar(0), scalar(1), scalar(2), scalar(3)];
    const gradient = add(mul(g, scale), mul(p, decay));
    if (arrays === 2) return [[0, sub(p, mul(gradient, rate))]];
    const m = array(2);
    return [
      [2, add(mul(m, kept), gradient)],
      [0, sub(p, mul(m, rate))],
    ];
  });
  return (at, bytes, { rate, scale }) => run(at, bytes, [rate, scale, weightDecay, momentum]);
}

/** m ← β₁ m + (1−β₁) g;  v ← β₂ v + (1−β₂) g²;  p ← p − η m̂ / (√v̂ + ε) */
function adam(memory: WasmMemory, settings: AdamSettings): Update {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = settings;
  const run = compileLoop(memory, { arrays: 4, scalars: 8 }, ({ array, scalar }) => {
    const [p, m, v] = [array(0), array(2), array(3)];
    const gradient = add(array(1), mul(p, scalar(0)));
    return [
      [2, add(mul(m, scalar(1)), mul(gradient, scalar(2)))],
      [3, add(mul(v, scalar(3)), mul(mul(gradient, gradient), scalar(4)))],
      [0, sub(p, div(mul(m, scalar(5)), add(sqrt(div(v, scalar(6))), scalar(7))))],
    ];
  });
  return (at, bytes, { rate, step, scale }) => {
    const size = (rate * scale) / (1 - beta1 ** step);
    const blends = [beta1, 1 - beta1, beta2, 1 - beta2];
    run(at, bytes, [weightDecay, ...blends, size, 1 - beta2 ** step, epsilon]);
  };
}
