import type { Markup } from '../page/markup.ts';
import { COLORS, frame } from './chart-parts.ts';
import type { Draw, Plot } from './svg.ts';

export interface RatioBar {
  readonly name: string;
  readonly ratio: number;
  readonly suspect: boolean;
}

/** Draws each class's trigger size as a share of the median, suspects in another color. */
export function ratioChart(
  Plot: Plot,
  draw: Draw,
  { bars, limit, text }: { bars: readonly RatioBar[]; limit: number; text: string },
  wide: boolean,
): Markup {
  return draw(
    {
      ...frame(wide),
      height: 46 + 22 * bars.length,
      marginLeft: wide ? 130 : 90,
      marginTop: 8,
      x: { label: 'size of the trigger, as a share of the median', zero: true, ticks: 5 },
      y: { domain: bars.map(({ name }) => name), label: null },
      marks: [
        Plot.barX(bars, {
          y: 'name',
          x: 'ratio',
          insetTop: 2,
          insetBottom: 2,
          fill: (bar: RatioBar) => (bar.suspect ? COLORS.attack : COLORS.accuracy),
        }),
        Plot.ruleX([limit], { stroke: COLORS.stop, strokeDasharray: '4,3' }),
      ],
    },
    text,
  );
}
