import type { Rate } from '../../metrics/interval.ts';

/** A share as a percentage: 0.9912 becomes `99.12%`. */
export function percent(share: number, digits = 2): string {
  return `${(100 * share).toFixed(digits)}%`;
}

/** The interval of a rate in percent: `[98.9, 99.3]`. */
export function interval({ low, high }: Pick<Rate, 'low' | 'high'>): string {
  return `[${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
}

/** A number with at most `digits` significant digits, without trailing zeros. */
export function number(value: number, digits = 4): string {
  return String(Number(value.toPrecision(digits)));
}

/** A duration: `4.2 s`, `3 min 07 s`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}
