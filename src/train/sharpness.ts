/**
 * Sharpness-aware minimization: each gradient is taken at weights at which the loss is about as high as it
 * gets nearby, so that training ends where it stays low all around (Foret et al. 2021).
 */
export interface Sharpness {
  /** Length of the perturbation, above 0. */
  readonly rho: number;
  /**
   * Measures lengths in units of each weight's own size, so that the scale of a layer changes nothing
   * (ASAM; Kwon et al. 2021). The perturbation is ρ T² g / ‖T g‖, with T = |w|, or 1 if not adaptive.
   */
  readonly adaptive: boolean;
}

/** A parameter, its gradient, and places of both where it is held at zero. */
export interface Perturbed {
  readonly values: Float32Array;
  readonly gradient: Float32Array;
  readonly masked: ArrayLike<number>;
}

/** Perturbs parameters where they lie, and puts them back. */
export interface Perturbation {
  /** Moves all parameters by their gradients, which have one length together. */
  readonly apply: () => void;
  /** Puts back the numbers that were there before, to the bit. */
  readonly revert: () => void;
}

/** Added to the length of a gradient, which may be zero; as in PyTorch's implementations. */
const EPSILON = 1e-12;

/** Makes room for the weights that are perturbed. */
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
        // What is held at zero has no part in the length, and does not move.
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
          // In this order: a bias of -1e20 has no finite square in float32, and often no gradient.
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
