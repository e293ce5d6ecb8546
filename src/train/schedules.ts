/** The learning rate at a step: `progress` goes from 0 (first step) toward 1 (after the last step). */
export type Schedule = (progress: number) => number;

export const constant =
  (rate: number): Schedule =>
  () =>
    rate;

/** Multiplies the rate by `factor` at each of the `milestones` (shares of the run, 0 to 1). */
export const stepwise =
  (rate: number, milestones: readonly number[], factor = 0.1): Schedule =>
  (progress) =>
    rate * factor ** milestones.filter((milestone) => progress >= milestone).length;

/** Cosine annealing from `rate` to `last` (Loshchilov & Hutter 2017, without restarts). */
export const cosine =
  (rate: number, last = 0): Schedule =>
  (progress) =>
    last + ((rate - last) * (1 + Math.cos(Math.PI * progress))) / 2;

/**
 * One cycle (Smith & Topin 2019), equal to PyTorch's `OneCycleLR`: cosine from `peak / 25` up to `peak`
 * over the first `warmup` share of the run, then cosine down to `peak / 250,000`.
 */
export const oneCycle =
  (peak: number, warmup = 0.3): Schedule =>
  (progress) =>
    progress < warmup
      ? cosine(peak / 25, peak)(progress / warmup)
      : cosine(peak, peak / 250_000)((progress - warmup) / (1 - warmup));

/** Schedules whose only parameter is their highest rate. */
export const SCHEDULES = {
  cosine: (rate: number) => cosine(rate),
  constant,
  'one-cycle': (rate: number) => oneCycle(rate),
} as const;

export type ScheduleName = keyof typeof SCHEDULES;
