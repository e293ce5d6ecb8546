/** The learning rate at a step: `progress` runs from 0 (first step) toward 1 (after the last). */
export type Schedule = (progress: number) => number;

export const constant =
  (rate: number): Schedule =>
  () =>
    rate;

/** Multiplies the rate by `factor` at each of the `milestones` (shares of the run). */
export const stepwise =
  (rate: number, milestones: readonly number[], factor = 0.1): Schedule =>
  (progress) =>
    rate * factor ** milestones.filter((milestone) => progress >= milestone).length;

/** From `rate` to `last` along half a cosine (Loshchilov & Hutter 2017, without restarts). */
export const cosine =
  (rate: number, last = 0): Schedule =>
  (progress) =>
    last + ((rate - last) * (1 + Math.cos(Math.PI * progress))) / 2;

/**
 * One cycle (Smith & Topin 2019): from `peak / 25` up to `peak` over the first `rise` of the run,
 * then down to `peak / 250,000`, both along half a cosine, as PyTorch's `OneCycleLR`.
 */
export const oneCycle =
  (peak: number, rise = 0.3): Schedule =>
  (progress) =>
    progress < rise
      ? cosine(peak / 25, peak)(progress / rise)
      : cosine(peak, peak / 250_000)((progress - rise) / (1 - rise));

/** Schedules that take nothing but their highest rate. */
export const SCHEDULES = {
  cosine: (rate: number) => cosine(rate),
  constant,
  'one-cycle': (rate: number) => oneCycle(rate),
} as const;

export type ScheduleName = keyof typeof SCHEDULES;
