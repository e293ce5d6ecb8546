import type { Markup } from '../page/markup.ts';

/** A chart in two widths, so that its text is readable on a wide page and on a phone. */
export interface Chart {
  readonly wide: Markup;
  readonly narrow: Markup;
}

/** Colors are CSS variables: the style sheet sets them for light and dark pages. */
export const COLORS = {
  accuracy: 'var(--accuracy)',
  validation: 'var(--validation)',
  attack: 'var(--attack)',
  stop: 'var(--ink)',
  shade: 'var(--shade)',
  series: ['var(--accuracy)', 'var(--attack)', 'var(--third)', 'var(--validation)'],
} as const;

/** Draws a chart in both widths. */
export function drawBoth(chart: (wide: boolean) => Markup): Chart {
  return { wide: chart(true), narrow: chart(false) };
}

/** Size and margins of a chart. */
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

/** The color of the i-th line. */
export function seriesColor(i: number): string {
  return COLORS.series[i % COLORS.series.length]!;
}

export const percentAxis = {
  domain: [0, 1],
  ticks: tenths(2),
  tickFormat: percentTick(1),
  label: null,
};

/** Ticks from 0 to 1, `step` tenths apart. */
export function tenths(step: number): number[] {
  return Array.from({ length: Math.round(10 / step) + 1 }, (_, i) => (i * step) / 10);
}

/** Formats ticks as percentages, with a decimal if the axis covers a small range. */
export function percentTick(range: number): (share: number) => string {
  return (share) => `${Number((100 * share).toFixed(range > 0.15 ? 0 : 1))}%`;
}

/** The longest ranges of indices in which every flag is true, half-open. */
export function rangesOfTrue(flags: readonly boolean[]): { from: number; to: number }[] {
  const found: { from: number; to: number }[] = [];
  flags.forEach((flag, i) => {
    if (!flag) return;
    const previous = found.at(-1);
    if (previous?.to === i) previous.to = i + 1;
    else found.push({ from: i, to: i + 1 });
  });
  return found;
}
