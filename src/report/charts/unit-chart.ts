import { COLORS, frame, rangesOfTrue } from './chart-parts.ts';
import type { Markup } from '../page/markup.ts';
import type { PrunedSite } from '../../defense/index.ts';
import { prunedUnitsOf } from '../run/steps.ts';
import type { Draw, Mark, Plot } from './svg.ts';

/** With more units than this, a bar is thinner than the gap beside it: an outline is drawn. */
const MANY_UNITS = 160;

export interface UnitChart {
  /** A value for each unit, by unit index, drawn as a bar. */
  readonly bars: readonly number[];
  /** A second value for each unit, drawn as a dot. */
  readonly dots?: readonly number[] | undefined;
  readonly label: string;
  /** The text alternative. */
  readonly text: string;
}

/** Draws a value for every unit, sorted by clean activation, with pruned units shaded. */
export function unitChart(
  Plot: Plot,
  draw: Draw,
  site: PrunedSite,
  { bars: heights, dots, label, text }: UnitChart,
  wide: boolean,
): Markup {
  const pruned = prunedUnitsOf(site);
  const bars = site.profile.clean
    .map((activation, unit) => ({
      unit,
      activation,
      bar: heights[unit] ?? 0,
      dot: dots?.[unit] ?? null,
    }))
    .sort((a, b) => a.activation - b.activation || a.unit - b.unit)
    .map((bar, rank) => ({ ...bar, x1: rank, x: rank + 0.5, x2: rank + 1 }));
  const shade = rangesOfTrue(bars.map((bar) => pruned.has(bar.unit)));
  const many = bars.length > MANY_UNITS;
  const inset = wide ? 1 : 0.5;
  const marks: Mark[] = [
    Plot.rectX(shade, { x1: 'from', x2: 'to', fill: COLORS.shade, className: 'pruned' }),
    Plot.gridY({ ticks: 5, strokeOpacity: 0.12 }),
    many
      ? Plot.areaY(bars, {
          x: 'x',
          y1: 0,
          y2: 'bar',
          curve: 'step',
          fill: COLORS.accuracy,
          className: 'clean',
        })
      : Plot.rectY(bars, {
          x1: 'x1',
          x2: 'x2',
          y1: 0,
          y2: 'bar',
          inset: 0,
          insetLeft: inset,
          insetRight: inset,
          fill: COLORS.accuracy,
          className: 'clean',
        }),
  ];
  if (dots !== undefined) {
    const size = many ? 0.7 : 1;
    if (!many) {
      const stem = { x: 'x', y1: 'bar', y2: 'dot', stroke: COLORS.attack, strokeOpacity: 0.5 };
      marks.push(Plot.ruleX(bars, stem));
    }
    marks.push(
      Plot.dot(bars, {
        x: 'x',
        y: 'dot',
        r: size * (wide ? 2.5 : 1.75),
        fill: COLORS.attack,
        className: 'triggered',
      }),
    );
  }
  return draw(
    {
      ...frame(wide),
      x: { domain: [0, bars.length], label: 'units, by clean activation', ticks: wide ? 8 : 4 },
      y: { label, nice: true, zero: true, ticks: 5 },
      marks: [...marks, Plot.ruleY([0], { strokeOpacity: 0.4 })],
    },
    text,
  );
}
