import type { Markup } from '../page/markup.ts';

/** One chart drawn twice, so that its text can be read on a wide page and on a phone. */
export interface Chart {
  readonly wide: Markup;
  readonly narrow: Markup;
}

/** Colors are variables of the page, which knows whether it is light or dark. */
export const COLORS = {
  accuracy: 'var(--accuracy)',
  validation: 'var(--validation)',
  attack: 'var(--attack)',
  stop: 'var(--ink)',
  shade: 'var(--shade)',
  series: ['var(--accuracy)', 'var(--attack)', 'var(--third)', 'var(--validation)'],
} as const;

export function twice(chart: (wide: boolean) => Markup): Chart {
  return { wide: chart(true), narrow: chart(false) };
}

export function frame(wide: boolean) {
  return {
    width: wide ? 720 : 350,
    height: wide ? 330 : 270,
    marginLeft: 44,
    marginRight: 16,
    marginTop: 26,
    marginBottom: 42,
  };
}

export function seriesColor(i: number): string {
  return COLORS.series[i % COLORS.series.length]!;
}

export const percentAxis = {
  domain: [0, 1],
  ticks: tenths(2),
  tickFormat: percentTick(1),
  label: null,
};

/** 0 to 1 in steps of so many tenths. */
export function tenths(step: number): number[] {
  return Array.from({ length: Math.round(10 / step) + 1 }, (_, i) => (i * step) / 10);
}

/** Percent, with a decimal where the axis is short. */
export function percentTick(range: number): (share: number) => string {
  return (share) => `${Number((100 * share).toFixed(range > 0.15 ? 0 : 1))}%`;
}

/** The maximal runs of `true`, as half-open ranges of indices. */
export function runs(flags: readonly boolean[]): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  flags.forEach((flag, i) => {
    if (!flag) return;
    const previous = found.at(-1);
    if (previous?.to === i) previous.to = i + 1;
    else found.push({ from: i, to: i + 1 });
  });
  return found;
}
