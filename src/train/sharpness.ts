/**
 * Sharpness-aware minimization (Foret et al. 2021): the gradient is taken at perturbed weights that
 * approximately maximize the loss within a distance ρ, so that training prefers flat minima.
 */
export interface Sharpness {
  /** L2 norm of the perturbation, above 0. */
  readonly rho: number;
  /**
   * Scales the perturbation by the magnitude of each weight, which makes it independent of the scale of a
   * layer (ASAM; Kwon et al. 2021). The perturbation is ρ T² g / ‖T g‖, with T = |w|, or 1 if not adaptive.
   */
  readonly adaptive: boolean;
}

/** A parameter that is perturbed in place. */
export interface Perturbed {
  readonly values: Float32Array;
  readonly gradient: Float32Array;
  /** Indices of the elements that a mask keeps at zero. */
  readonly masked: ArrayLike<number>;
}

/** Perturbs parameters in place, and restores them. */
export interface Perturbation {
  /** Moves all parameters along their gradients; the norm is taken over all of them together. */
  readonly apply: () => void;
  /** Restores the exact values from before. */
  readonly revert: () => void;
}

/** Added to the norm of the gradient, which may be zero; PyTorch implementations use the same. */
const EPSILON = 1e-12;

/** Allocates the buffers that keep the unperturbed weights. */
export function perturbation(
  { rho, adaptive }: Sharpness,
  parameters: readonly Perturbed[],
): Perturbation {
  const kept = parameters.map(({ values }) => new Float32Array(values.length));
  return {
    apply() {
      let square = 0;
      for (const [index, { values, gradient, masked }] of parameters.entries()) {
        kept[index]?.set(values);
        // Masked elements do not count for the norm and do not move.
        for (let i = 0; i < masked.length; i += 1) gradient[masked[i] as number] = 0;
        for (let at = 0; at < values.length; at += 1) {
          const weight = adaptive ? (values[at] as number) : 1;
          square += (weight * (gradient[at] as number)) ** 2;
        }
      }
      const step = rho / (Math.sqrt(square) + EPSILON);
      for (const { values, gradient } of parameters) {
        for (let at = 0; at < values.length; at += 1) {
          const weight = adaptive ? (values[at] as number) : 1;
          // The order of factors matters: the square of a bias of -1e20 overflows float32.
          values[at] = (values[at] as number) + step * weight * (weight * (gradient[at] as number));
        }
      }
    },
    revert() {
      for (const [index, { values }] of parameters.entries()) {
        values.set(kept[index] as Float32Array);
      }
    },
  };
}
